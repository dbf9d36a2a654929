//! What a process has used.

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

/// The resident memory of a process, in bytes.
pub fn resident(process: u32) -> u64 {
    let status = read_to_string(format!("/proc/{process}/status")).expect("proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    1024 * kib.expect("a size")
}
