use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

/// A process in the background that ends with its owner.
#[derive(Debug)]
pub(crate) struct Background(Child);

impl Background {
    /// Starts `command`; what it prints is appended to `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let file = appended(log);
        command.stdout(file.try_clone().expect("a second handle"));
        Self::spawn(command.stderr(file))
    }

    /// Starts `command`, whose stderr is appended to `log`, and hands out its stdout.
    pub(crate) fn start_piped(command: &mut Command, log: &Path) -> (Self, ChildStdout) {
        command.stdout(Stdio::piped()).stderr(appended(log));
        let mut started = Self::spawn(command);
        let stdout = started.0.stdout.take().expect("stdout is a pipe");
        (started, stdout)
    }

    fn spawn(command: &mut Command) -> Self {
        match command.stdin(Stdio::null()).spawn() {
            Ok(child) => Self(child),
            Err(err) if err.kind() == ErrorKind::NotFound => {
                panic!("{command:?} is not there: ./tests/run installs or builds it")
            }
            Err(err) => panic!("{command:?}: {err}"),
        }
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("a child can be waited for")
    }

    /// Waits until it ends.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.0.wait().expect("it ends")
    }

    /// Ends it (SIGKILL), and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.kill();
    }
}

fn appended(log: &Path) -> File {
    let file = File::options().create(true).append(true).open(log);
    file.expect("the log can be written")
}

/// A port of the loopback interface on which nobody listens.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
