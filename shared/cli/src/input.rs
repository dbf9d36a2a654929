//! What is read from files that the operator names.

use std::path::Path;

use crate::Failure;

/// Reads a file; `-` is standard input.
pub fn read_text(path: &Path) -> Result<String, Failure> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()),
        _ => std::fs::read_to_string(path),
    };
    text.map_err(|err| Failure::new(format!("{} cannot be read: {err}", path.display())))
}
