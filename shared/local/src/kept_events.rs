//! The log of `serve`, kept beside the data so that `tokensmith events` can read it. Where it goes besides, to a terminal or a
//! collector, nobody here can know.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tokensmith_issuer::event::copy_lines_to;

use crate::private::private_file;

/// Keeps every line that this process logs from now on in `dir`, up to a bound.
///
/// # Errors
/// When the file cannot be opened.
pub fn keep_events(dir: &Path) -> io::Result<()> {
    let kept = KeptEvents::open(dir)?;
    // A line that cannot be kept must not fail the request.
    copy_lines_to(move |line| drop(kept.append(line)));
    Ok(())
}

/// The lines that are kept in `dir`, oldest first. The last may be in the middle of being written.
///
/// # Errors
/// When a file that is there cannot be read.
pub fn kept_events(dir: &Path) -> io::Result<String> {
    let mut text = String::new();
    for name in [FORMER, CURRENT] {
        match private_file().read(true).open(dir.join(name)) {
            Ok(mut file) => file.read_to_string(&mut text).map(drop)?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(err) => return Err(err),
        }
    }
    Ok(text)
}

#[derive(Debug)]
struct KeptEvents {
    dir: PathBuf,
    current: Mutex<(File, usize)>,
}

impl KeptEvents {
    fn open(dir: &Path) -> io::Result<Self> {
        let file = open(dir)?;
        let length = file.metadata()?.len();
        Ok(Self {
            dir: dir.to_owned(),
            current: Mutex::new((file, usize::try_from(length).unwrap_or(usize::MAX))),
        })
    }

    fn append(&self, line: &[u8]) -> io::Result<()> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if current.1.saturating_add(line.len()) > MOST_BYTES {
            fs::rename(self.dir.join(CURRENT), self.dir.join(FORMER))?;
            *current = (open(&self.dir)?, 0);
        }
        current.0.write_all(line)?;
        current.1 += line.len();
        Ok(())
    }
}

fn open(dir: &Path) -> io::Result<File> {
    let mut options = private_file();
    options.append(true).create(true).open(dir.join(CURRENT))
}

/// The files. They are checked like all others in the directory.
pub(crate) const CURRENT: &str = "events.jsonl";
pub(crate) const FORMER: &str = "events.1.jsonl";

/// The length of each of the two files, in bytes: some 20,000 requests.
const MOST_BYTES: usize = 8 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lines_are_kept_up_to_a_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let kept = KeptEvents::open(dir.path()).expect("a file");
        let line = |number: usize| format!("{number:01023}\n");
        let lines = 3 * MOST_BYTES / 1024;
        (0..lines).for_each(|number| kept.append(line(number).as_bytes()).expect("kept"));
        let text = kept_events(dir.path()).expect("the lines");
        assert!(text.len() > MOST_BYTES && text.len() <= 2 * MOST_BYTES);
        assert!(text.ends_with(&line(lines - 1)));
        // A process that starts on them goes on behind them.
        let again = KeptEvents::open(dir.path()).expect("a file");
        again.append(b"last\n").expect("kept");
        let text = kept_events(dir.path()).expect("the lines");
        assert!(text.ends_with(&format!("{}last\n", line(lines - 1))));
    }
}
