//! Passwords come from standard input or from a terminal that does not show them, never from an option: others could read that.

use std::io::{IsTerminal, Write, stderr, stdin};

use clap::Args;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use secrecy::{ExposeSecret, SecretString};
use tokensmith_issuer::HashPasswords;
use tokensmith_issuer::names::UserName;
use tokensmith_issuer::store::records::PasswordHash;
use tokensmith_people::{Passwords, check_password};

use crate::Failure;

/// Where a password comes from.
#[derive(Args)]
pub struct PasswordOptions {
    /// Read the password from standard input, as its first line
    #[arg(long)]
    password_stdin: bool,
}

/// A password that its user may have.
pub struct TakenPassword(SecretString);

impl PasswordOptions {
    /// The new password of `user`.
    pub fn read(&self, user: &UserName) -> Result<TakenPassword, Failure> {
        let can_ask = stdin().is_terminal() && stderr().is_terminal();
        let password = match self.password_stdin {
            true => line()?,
            false if can_ask => asked(user)?,
            false => {
                return Err(Failure::wrong_call(
                    "there is no terminal to ask for the password on: pass it on standard input, with --password-stdin",
                ));
            }
        };
        check_password(&password, user)?;
        Ok(TakenPassword(password))
    }
}

impl TakenPassword {
    /// Its hash.
    pub async fn hash(&self) -> Result<PasswordHash, Failure> {
        let hash = Passwords::default().hash(&self.0).await;
        hash.ok_or_else(|| Failure::new("the password could not be hashed"))
    }
}

fn asked(user: &UserName) -> Result<SecretString, Failure> {
    let hidden = Hidden::begin()?;
    let first = prompted(&format!("New password for {user}: "))?;
    check_password(&first, user)?;
    let second = prompted("The same again: ")?;
    drop(hidden);
    match first.expose_secret() == second.expose_secret() {
        true => Ok(first),
        false => Err(Failure::new("these are two different passwords")),
    }
}

fn prompted(prompt: &str) -> Result<SecretString, Failure> {
    let mut terminal = stderr().lock();
    terminal.write_all(prompt.as_bytes())?;
    terminal.flush()?;
    let line = line();
    // The end of the line was not shown either.
    terminal.write_all(b"\n")?;
    line
}

/// A line of standard input, without its end.
fn line() -> Result<SecretString, Failure> {
    let mut line = String::new();
    stdin().read_line(&mut line)?;
    let end = line.trim_end_matches(['\n', '\r']).len();
    line.truncate(end);
    Ok(line.into())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn begin() -> Result<Self, Failure> {
        let failed = |err| Failure::new(format!("the terminal shows what is typed: {err}"));
        let before = tcgetattr(stdin()).map_err(failed)?;
        let mut hiding = before.clone();
        hiding.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Now, &hiding).map_err(failed)?;
        Ok(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // Who has closed the terminal does not see it any more.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}
