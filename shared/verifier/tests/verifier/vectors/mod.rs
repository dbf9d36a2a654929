//! The vectors of `tests/vectors`, for verifiers in every language. They are made here: what is expected is written down by hand,
//! in the files that make them. `UPDATE_VECTORS=1` writes the files whose meaning has changed.

mod dpop;
mod feed;
mod feed_cases;
mod format;
mod keys;
mod refusals;
mod run;
mod tokens;

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use keys::Keys;

fn path_of(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/vectors")
        .join(file)
}

/// A file as it is checked in.
fn read<T: DeserializeOwned>(file: &str) -> T {
    let text = std::fs::read(path_of(file)).expect(file);
    serde_json::from_slice(&text).unwrap_or_else(|err| panic!("{file}: {err}"))
}

/// The files are what the code makes, except for signatures that are random.
#[test]
fn the_files_are_what_is_made() {
    let keys = Keys::fixed();
    check(&keys, "keys.json", &keys.published());
    check(&keys, "tokens.json", &tokens::made(&keys));
    check(&keys, "feed.json", &feed::made(&keys));
    check(&keys, "dpop.json", &dpop::made(&keys));
}

fn check(keys: &Keys, file: &str, made: &impl Serialize) {
    let text = serde_json::to_string_pretty(made).expect("JSON") + "\n";
    let random = Random::of(keys);
    let old = std::fs::read_to_string(path_of(file));
    let same = old.is_ok_and(|old| random.left_out_of(&old) == random.left_out_of(&text));
    if !same && std::env::var_os("UPDATE_VECTORS").is_some() {
        std::fs::write(path_of(file), text).expect("a writable file");
    } else {
        assert!(
            same,
            "tests/vectors/{file} is not what is made: UPDATE_VECTORS=1 writes it"
        );
    }
}

/// The signatures by ECDSA and RSASSA-PSS, which are others each time.
struct Random {
    /// What stands in the header of what has such a signature.
    names: Vec<String>,
}

impl Random {
    fn of(keys: &Keys) -> Self {
        let names = ["ES256", "ES384", "PS256"].map(str::to_owned);
        let kids = [&keys.es256, &keys.ps256].map(|key| key.kid.to_string());
        Self {
            names: names.into_iter().chain(kids).collect(),
        }
    }

    fn left_out_of(&self, text: &str) -> Option<Value> {
        let mut file = serde_json::from_str(text).ok()?;
        self.leave_out_of(&mut file);
        Some(file)
    }

    fn leave_out_of(&self, value: &mut Value) {
        match value {
            Value::String(text) => {
                let words = text.split(' ').map(|word| self.fixed_part(word));
                *text = words.collect::<Vec<_>>().join(" ");
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.leave_out_of(item)),
            Value::Object(members) => members
                .values_mut()
                .for_each(|member| self.leave_out_of(member)),
            _ => {}
        }
    }

    fn fixed_part<'a>(&self, word: &'a str) -> &'a str {
        let header = word.split('.').next().unwrap_or_default();
        let header = URL_SAFE_NO_PAD.decode(header).unwrap_or_default();
        let header = String::from_utf8_lossy(&header);
        let is_random = self.names.iter().any(|name| header.contains(name));
        match word.rsplit_once('.') {
            Some((fixed, _)) if is_random => fixed,
            _ => word,
        }
    }
}
