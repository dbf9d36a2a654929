//! The figures of cold starts.

use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

use tokensmith_tests::sandbox::{Quota, Sandbox};

use crate::case::Case;

/// One cold start and some requests.
pub struct Measured {
    init: Duration,
    init_cpu: Duration,
    first: Duration,
    cpu_to_first: Duration,
    warm: Duration,
    resident: u64,
}

impl Measured {
    /// Starts the function and gives it the same event several times.
    pub fn of(
        program: &Path,
        variables: &[(&str, String)],
        case: &mut Case,
        quota: Option<&Quota>,
    ) -> Self {
        let mut sandbox = Sandbox::start(program, variables, quota);
        sandbox.next();
        let (init, init_cpu) = (sandbox.started.elapsed(), sandbox.cpu());
        let mut invoke = || {
            let asked = Instant::now();
            sandbox.invoke(&case.event);
            let answer = sandbox.answer();
            let latency = asked.elapsed();
            let status = answer.get("statusCode");
            assert!(
                status.is_none_or(|status| status == 200),
                "{}: {answer}",
                case.name
            );
            case.follow(&answer);
            sandbox.next();
            (latency, sandbox.cpu())
        };
        let (first, cpu_to_first) = invoke();
        let mut warm: Vec<Duration> = (0..WARM).map(|_| invoke().0).collect();
        Self {
            init,
            init_cpu,
            first,
            cpu_to_first,
            warm: median(&mut warm),
            resident: sandbox.resident(),
        }
    }
}

/// The median of each figure: milliseconds and megabytes.
pub struct Medians {
    init: f64,
    init_cpu: f64,
    first: f64,
    cpu_to_first: f64,
    warm: f64,
    resident: f64,
}

impl Medians {
    /// Those of these cold starts.
    pub fn of(runs: &[Measured]) -> Self {
        let ms = |figure: fn(&Measured) -> Duration| {
            let mut figures: Vec<Duration> = runs.iter().map(figure).collect();
            1000.0 * median(&mut figures).as_secs_f64()
        };
        let mut resident: Vec<u64> = runs.iter().map(|run| run.resident).collect();
        Self {
            init: ms(|run| run.init),
            init_cpu: ms(|run| run.init_cpu),
            first: ms(|run| run.first),
            cpu_to_first: ms(|run| run.cpu_to_first),
            warm: ms(|run| run.warm),
            resident: median(&mut resident) as f64 / 1e6,
        }
    }

    /// What is over the reach: 4 ms to start, 10 ms of processor time to the first answer, 25 MB of
    /// memory, 3 MB to load.
    pub fn missed(&self, zip_mb: f64) -> String {
        let reach = [
            ("init", self.init, 4.0),
            ("CPU", self.cpu_to_first, 10.0),
            ("RSS", self.resident, 25.0),
            ("zip", zip_mb, 3.0),
        ];
        let missed = reach.iter().filter(|(_, figure, most)| figure > most);
        missed.map(|(name, ..)| *name).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Medians {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8.2} {:>9.2} {:>9.2} {:>10.2} {:>8.2} {:>8.1}",
            self.init, self.init_cpu, self.first, self.cpu_to_first, self.warm, self.resident
        )
    }
}

fn median<T: Ord + Copy>(figures: &mut [T]) -> T {
    figures.sort_unstable();
    figures[figures.len() / 2]
}

const WARM: usize = 10;
