use std::fs::File;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A process in the background that ends with its owner, and whose output is in a file.
#[derive(Debug)]
pub(crate) struct Background(Child);

impl Background {
    /// Starts `command`; what it prints is appended to `log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::options().create(true).append(true).open(log);
        let file = file.expect("the log can be written");
        command
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle"))
            .stderr(file);
        match command.spawn() {
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

/// A port of the loopback interface on which nobody listens.
///
/// # Panics
/// When there is none.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}
