//! What the programs that measure share: what a process has used, and the browser of somebody who signs in.

pub mod browser;

use std::fs::{DirEntry, read_dir, read_to_string};
use std::io::Result;
use std::time::Duration;

/// The processor time of the threads of a process, to the nanosecond.
pub fn cpu(process: u32) -> Duration {
    let tasks = read_dir(format!("/proc/{process}/task")).expect("proc");
    let of_task = |task: Result<DirEntry>| {
        let schedule = read_to_string(task.ok()?.path().join("schedstat")).ok()?;
        schedule.split(' ').next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(tasks.filter_map(of_task).sum())
}

/// The processor time of a process, with that of threads that have ended, in hundredths of a second (proc(5): fields 14 and 15 of
/// `stat`).
pub fn cpu_of_all_threads(process: u32) -> Duration {
    let stat = read_to_string(format!("/proc/{process}/stat")).expect("proc");
    let after_name = stat.rsplit(')').next().expect("a name in parentheses");
    let fields = after_name.split(' ').skip(12).take(2);
    let ticks = fields.map(|field| field.parse::<u64>().expect("a number"));
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// The resident memory of a process, in bytes.
pub fn resident(process: u32) -> u64 {
    memory(process, "VmRSS:")
}

/// The most memory that a process has ever had, in bytes.
pub fn resident_at_most(process: u32) -> u64 {
    memory(process, "VmHWM:")
}

fn memory(process: u32, name: &str) -> u64 {
    let status = read_to_string(format!("/proc/{process}/status")).expect("proc");
    let line = status.lines().find(|line| line.starts_with(name));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    1024 * kib.expect("a size")
}
