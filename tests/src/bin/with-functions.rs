//! `with-functions [--custody kms|kms-data-key] COMMAND [ARGUMENT]...` runs a command next to the real
//! function binaries, which use an emulated DynamoDB and KMS behind the gateway of `cargo lambda
//! watch`, and ends with the command's exit code.
//!
//! The command finds the issuer in `ISSUER_URL`, and everything that `tokensmith --table` needs in the
//! variables of the functions: `TOKENSMITH_…` and `AWS_…`. To run other people's clients, let it be
//! `with-issuer COMMAND`.

use std::ffi::OsString;
use std::process::ExitCode;

use tokensmith_tests::{Functions, Setup};
use tokio::process::Command;
use tokio::runtime::Runtime;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let mut custody = "kms-data-key".to_owned();
    if arguments.first().is_some_and(|first| first == "--custody") && arguments.len() > 1 {
        custody = arguments[1].to_string_lossy().into_owned();
        arguments.drain(..2);
    }
    let Some((program, arguments)) = arguments.split_first() else {
        eprintln!("usage: with-functions [--custody kms|kms-data-key] COMMAND [ARGUMENT]...");
        return ExitCode::from(2);
    };
    let functions = Functions::start(&Setup::new(&custody));
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("ISSUER_URL", &functions.url)
        .envs(functions.variables().iter().cloned())
        .kill_on_drop(true);
    let runtime = Runtime::new().expect("a runtime");
    let code = runtime.block_on(run(command)).unwrap_or_else(|problem| {
        eprintln!("with-functions: {}: {problem}", program.display());
        1
    });
    if code != 0 {
        functions.print_logs();
    }
    ExitCode::from(code)
}

/// Runs the command to its end, or until somebody asks for an end: then whatever was started goes
/// with it.
async fn run(mut command: Command) -> std::io::Result<u8> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut child = command.spawn()?;
    let ended = tokio::select! {
        ended = child.wait() => ended?,
        _ = terminate.recv() => return Ok(FAILURE),
        _ = interrupt.recv() => return Ok(FAILURE),
    };
    // No code means that a signal ended it.
    let code = ended.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(FAILURE))
}

const FAILURE: u8 = 1;
