//! A share of a processor, as Lambda gives to a function by its memory.

use std::fs;
use std::io::{Error, Result, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Instant;

/// A control group with a limit, which goes with it.
#[derive(Debug)]
pub struct Quota {
    group: PathBuf,
}

impl Quota {
    /// That of a function with so much memory.
    ///
    /// # Errors
    /// Why this machine allows no such group.
    pub fn of_a_function(memory_mb: u32) -> Result<Self> {
        let name = format!("tokensmith-cold-{}", std::process::id());
        let quota_us = PERIOD_US * u64::from(memory_mb) / MB_OF_A_PROCESSOR;
        let v1 = Path::new("/sys/fs/cgroup/cpu");
        let (root, limits) = match v1.is_dir() {
            true => (
                v1,
                vec![
                    ("cpu.cfs_period_us", PERIOD_US.to_string()),
                    ("cpu.cfs_quota_us", quota_us.to_string()),
                ],
            ),
            false => (
                Path::new("/sys/fs/cgroup"),
                vec![("cpu.max", format!("{quota_us} {PERIOD_US}"))],
            ),
        };
        let quota = Self {
            group: root.join(name),
        };
        let failed = |err: Error| Error::other(format!("{}: {err}", quota.group.display()));
        fs::create_dir(&quota.group).map_err(failed)?;
        for (file, limit) in limits {
            fs::write(quota.group.join(file), limit).map_err(failed)?;
        }
        Ok(quota)
    }

    /// A shell that waits for [`release`](Self::release) before it becomes the program.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", "read -r go && exec \"$0\""])
            .arg(program);
        command
    }

    /// Puts the shell into the group and lets it go; from then on it counts.
    pub fn release(&self, child: &mut Child) -> Instant {
        let processes = self.group.join("cgroup.procs");
        fs::write(processes, child.id().to_string()).expect("the group takes a process");
        let mut stdin = child.stdin.take().expect("stdin is a pipe");
        let released = Instant::now();
        stdin.write_all(b"go\n").expect("the shell reads");
        released
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.group);
    }
}

/// Lambda's: short, so that a function which has used up its share does not stand still for long.
const PERIOD_US: u64 = 20_000;

/// With how much memory a function has one processor.
const MB_OF_A_PROCESSOR: u64 = 1769;
