//! A command on a terminal, at which somebody types.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// What a command did on a terminal.
#[derive(Debug)]
pub struct OnTerminal {
    /// Its exit code.
    pub code: Option<i32>,
    /// Everything that the terminal has shown, with what was typed.
    pub shown: String,
}

/// Runs `command` on a terminal on which `typed` was typed.
pub fn on_terminal(command: &mut Command, typed: &str) -> OnTerminal {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&master).expect("it is ours");
    unlockpt(&master).expect("it is unlocked");
    let name = ptsname(&master, Vec::new()).expect("its name");
    let terminal = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlags::NOCTTY.bits().cast_signed())
        .open(name.to_str().expect("text"))
        .expect("the terminal opens");
    rustix::io::write(&master, typed.as_bytes()).expect("it is typed");
    let stdio = || Stdio::from(terminal.try_clone().expect("another handle"));
    let child = command
        .stdin(stdio())
        .stdout(stdio())
        .stderr(stdio())
        .spawn();
    let mut child = child.expect("the command starts");
    // The terminal ends, for who reads it, when nobody else has it open.
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    drop(terminal);
    let (mut shown, mut part) = (Vec::new(), [0; 4096]);
    let mut master = std::fs::File::from(master);
    // A terminal that nobody else has open is an error to read.
    while let Ok(length @ 1..) = master.read(&mut part) {
        shown.extend_from_slice(&part[..length]);
    }
    let code = child.wait().expect("it ends").code();
    OnTerminal {
        code,
        shown: String::from_utf8_lossy(&shown).into_owned(),
    }
}
