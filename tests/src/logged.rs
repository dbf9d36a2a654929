//! What the issuer logs: it writes to the process's own stderr, so a scenario whose log matters
//! runs in a process of its own, which is the same test once more.

use std::process::Command;

use serde_json::Value;

use crate::documented::Documented;

/// The log of a scenario.
#[derive(Debug)]
pub struct Logged {
    /// Everything on stderr.
    pub stderr: String,
    /// What the scenario told with [`tell`].
    pub told: Vec<String>,
}

impl Logged {
    /// The lines of the log, each of which is one that docs/events.md describes.
    pub fn lines(&self) -> Vec<Value> {
        let lines = self.stderr.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).expect("a line is one JSON object"))
            .inspect(is_documented)
            .collect()
    }
}

/// Runs `scenario` in a process of its own and returns what was logged there. In that process,
/// where the test runs once more, it returns `None`: then the test is over.
pub async fn logged(scenario: impl Future<Output = ()>) -> Option<Logged> {
    logged_with(&[], scenario).await
}

/// The same, in a process that has these environment variables as well.
pub async fn logged_with(
    environment: &[(&str, &str)],
    scenario: impl Future<Output = ()>,
) -> Option<Logged> {
    // Each test runs on a thread that has its name.
    let thread = std::thread::current();
    let test = thread.name().expect("the thread of a test");
    if std::env::var(SCENARIO).is_ok_and(|name| name == test) {
        scenario.await;
        return None;
    }
    let own = std::env::current_exe().expect("a test knows its path");
    let mut command = Command::new(own);
    command.args(["--exact", test, "--nocapture"]);
    command.envs(environment.iter().copied());
    let output = command.env(SCENARIO, test).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let is_panic = |line: &&str| !line.starts_with('{');
    let panics: Vec<_> = stderr.lines().filter(is_panic).collect();
    assert!(output.status.success(), "{stdout}{}", panics.join("\n"));
    assert!(stdout.contains("1 passed"), "no test {test}: {stdout}");
    let told = stdout.lines().filter_map(|line| line.split_once(TOLD));
    Some(Logged {
        told: told.map(|(_, what)| what.to_owned()).collect(),
        stderr,
    })
}

/// Fails a test with a line that the page does not describe.
pub fn is_documented(line: &Value) {
    let page = Documented::read(include_str!("../../docs/events.md"));
    if let Err(wrong) = page.check(line) {
        panic!("{wrong}");
    }
}

/// Tells the test what its scenario knows.
pub fn tell(what: &str) {
    println!("{TOLD}{what}");
}

const SCENARIO: &str = "TOKENSMITH_SCENARIO";
const TOLD: &str = "the scenario tells: ";
