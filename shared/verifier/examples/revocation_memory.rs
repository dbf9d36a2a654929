//! Prints what live revocations cost in memory and in time per lookup, for 100,000 and 1,000,000 of
//! them, or for the given numbers. Run it with `--release`, on Linux, on a quiet machine.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tokensmith_verifier::{
    AccessTokenClaims, Audiences, Revocation, RevocationHash, RevocationView, SignedClaims,
};

type Error = Box<dyn std::error::Error>;

const NOW: u64 = 1_800_000_000;
const LOOKUPS: u32 = 1_000_000;

fn main() -> Result<(), Error> {
    let given: Vec<u64> = std::env::args()
        .skip(1)
        .map(|arg| arg.parse())
        .collect::<Result<_, _>>()?;
    let counts = if given.is_empty() {
        vec![100_000, 1_000_000]
    } else {
        given
    };
    for count in counts {
        measure(count)?;
    }
    Ok(())
}

fn measure(count: u64) -> Result<(), Error> {
    let before = resident_bytes()?;
    let view = RevocationView::new();
    let started = Instant::now();
    view.apply(
        (0..count).map(|n| Revocation::of_token(&jti(n), NOW + 600)),
        NOW,
    );
    let applied = started.elapsed();
    let bytes = resident_bytes()?.saturating_sub(before);
    println!("{count} live revocations");
    println!(
        "  memory   {:.1} bytes each ({bytes} in all)",
        bytes as f64 / count as f64
    );
    println!("  applied  {} each", nanoseconds(applied, count as u32));

    // Spread over all entries, so that the processor's caches do not hold the answer.
    let stride = |n: u32| u64::from(n).wrapping_mul(7_919_317) % count;
    let hashes: Vec<_> = (0..LOOKUPS)
        .map(|n| RevocationHash::of_token(&jti(stride(n))))
        .collect();
    let started = Instant::now();
    let mut found = 0;
    for hash in &hashes {
        found += u32::from(black_box(view.not_before(*hash, NOW)).is_some());
    }
    println!(
        "  lookup   {} ({found} of {LOOKUPS} found)",
        nanoseconds(started.elapsed(), LOOKUPS)
    );

    let tokens: Vec<_> = (0..1000).map(|n| signed(jti(stride(n)))).collect();
    let started = Instant::now();
    for n in 0..LOOKUPS {
        black_box(view.status_of(&tokens[n as usize % tokens.len()], NOW));
    }
    println!(
        "  a token  {}: 5 hashes, 5 lookups",
        nanoseconds(started.elapsed(), LOOKUPS)
    );
    lookups_beside_a_writer(&view, &hashes);
    Ok(())
}

/// How long lookups take while another thread applies 100,000 more.
fn lookups_beside_a_writer(view: &RevocationView, hashes: &[RevocationHash]) {
    let mut times = Vec::with_capacity(hashes.len());
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let more = (0..100_000).map(|n| Revocation::of_grant(&jti(n), NOW + 600));
            view.apply(more, NOW);
        });
        for hash in hashes {
            if writer.is_finished() {
                break;
            }
            let started = Instant::now();
            black_box(view.not_before(*hash, NOW));
            times.push(started.elapsed());
        }
    });
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos();
    println!(
        "  beside a writer: p50 {} ns, p99.9 {} ns, longest {} ns ({} lookups)",
        at(0.5),
        at(0.999),
        at(1.0),
        times.len()
    );
}

fn nanoseconds(elapsed: Duration, of: u32) -> String {
    format!("{} ns", elapsed.as_nanos() / u128::from(of.max(1)))
}

fn jti(n: u64) -> String {
    format!("token-{n:016}")
}

fn signed(jti: String) -> SignedClaims {
    let claims = AccessTokenClaims {
        iss: "https://issuer.example".to_owned(),
        sub: "alice".to_owned(),
        aud: Audiences::One("https://api.example".to_owned()),
        exp: NOW + 600,
        nbf: None,
        iat: NOW,
        jti,
        client_id: "app".to_owned(),
        scope: None,
        grant_id: Some("grant-1".to_owned()),
        act: None,
        cnf: None,
        parents: Vec::new(),
        other: Default::default(),
    };
    SignedClaims {
        key_id: "key-1".to_owned().into(),
        claims,
    }
}

/// The process's resident memory, from the second field of `statm`, in pages of 4 KiB.
fn resident_bytes() -> Result<u64, Error> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).ok_or("statm has no second field")?;
    Ok(pages.parse::<u64>()? * 4096)
}
