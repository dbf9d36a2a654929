//! How one process tells another on the same data that something has changed: a file that grows by
//! a byte with each change. Its length is one `stat` away, so a server can look at every request.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::private::private_file;

/// Counts the changes that other processes have announced.
#[derive(Debug)]
pub struct ChangeCounter {
    file: PathBuf,
    seen: AtomicU64,
}

impl ChangeCounter {
    /// The counter in `file`, which need not be there yet.
    pub(crate) fn new(file: PathBuf) -> Self {
        let counter = Self {
            file,
            seen: AtomicU64::new(0),
        };
        counter.seen.store(counter.length(), Ordering::Relaxed);
        counter
    }

    /// Tells the others. To be called after the change.
    ///
    /// # Errors
    /// What the file system says; the others then notice when their caches expire.
    pub fn announce(&self) -> io::Result<()> {
        let mut file = private_file().create(true).append(true).open(&self.file)?;
        file.write_all(b".")
    }

    /// Whether somebody has announced a change since this was last asked.
    pub fn has_changed(&self) -> bool {
        let length = self.length();
        self.seen.swap(length, Ordering::Relaxed) != length
    }

    fn length(&self) -> u64 {
        fs::symlink_metadata(&self.file).map_or(0, |metadata| metadata.len())
    }
}
