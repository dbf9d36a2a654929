//! What a password costs by each of the choices that OWASP calls equal, in memory that is used again:
//! `cargo run --profile release --example password_cost -p tokensmith-people`. The figures are in docs/decisions/0070. Where the process
//! has only a share of a processor, as in a small function, the mean tells what a hash takes.

use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};

const ROUNDS: u32 = 50;

fn main() {
    for (mib, passes) in [(46, 1), (19, 2), (12, 3), (9, 4), (7, 5)] {
        match cost_of(mib, passes) {
            Ok((best, mean)) => {
                println!("{mib} MiB, {passes} passes: {best:.1?}, mean {mean:.1?}")
            }
            Err(err) => eprintln!("{mib} MiB, {passes} passes: {err}"),
        }
    }
}

/// The shortest time of many, as others use the processor as well; and their mean.
fn cost_of(mib: u32, passes: u32) -> argon2::Result<(Duration, Duration)> {
    let params = Params::new(mib * 1024, passes, 1, None)?;
    let mut blocks = vec![Block::new(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut best, mut output) = (Duration::MAX, [0; 32]);
    let first = Instant::now();
    for round in 0..ROUNDS {
        let salt = u128::from(round).to_le_bytes();
        let begun = Instant::now();
        argon2.hash_password_into_with_memory(b"a password", &salt, &mut output, &mut blocks)?;
        best = best.min(begun.elapsed());
    }
    Ok((best, first.elapsed() / ROUNDS))
}
