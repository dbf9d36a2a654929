//! `tokensmith completion` and `tokensmith man`: what a shell and `man` know about the command.

use std::io::stdout;
use std::path::PathBuf;

use clap::{Args as ClapArgs, CommandFactory};
use clap_complete::Shell;

use crate::{Cli, Failure, print_text};

/// Print a script that completes the command's options in a shell
///
/// For bash, for example: tokensmith completion bash > ~/.local/share/bash-completion/completions/tokensmith
#[derive(ClapArgs)]
pub struct CompletionArgs {
    /// The shell
    shell: Shell,
}

/// Write the manual pages, one for each subcommand, or print the first
///
/// For example: tokensmith man --to ~/.local/share/man/man1
#[derive(ClapArgs)]
pub struct ManArgs {
    /// The directory that the pages are written to; it is created if it does not exist
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

pub fn completion(args: &CompletionArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    print_text(&String::from_utf8_lossy(&script))
}

pub fn man(args: &ManArgs) -> Result<(), Failure> {
    match &args.to {
        Some(directory) => {
            std::fs::create_dir_all(directory)?;
            Ok(clap_mangen::generate_to(Cli::command(), directory)?)
        }
        None => Ok(clap_mangen::Man::new(Cli::command()).render(&mut stdout())?),
    }
}

const NAME: &str = "tokensmith";
