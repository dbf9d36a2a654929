//! The figures of cold starts.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{array, fmt};

use tokensmith_measure::{cpu, resident};
use tokensmith_tests::sandbox::Sandbox;

use crate::case::Case;
use crate::quota::Quota;

/// The figures of one cold start and some requests, or the medians of several: milliseconds, and at
/// last megabytes.
pub struct Measured([f64; 6]);

impl Measured {
    /// What they are called.
    pub const NAMES: [&str; 6] = [
        "init ms",
        "init CPU",
        "first ms",
        "to 1st CPU",
        "warm ms",
        "RSS MB",
    ];

    /// Starts the function and gives it the same event several times.
    pub fn of(
        program: &Path,
        variables: &[(&str, String)],
        case: &mut Case,
        quota: Option<&Quota>,
    ) -> Self {
        let mut sandbox = match quota {
            Some(quota) => Sandbox::start_by(quota.command(program), variables, |child| {
                quota.release(child)
            }),
            None => Sandbox::start(program, variables),
        };
        let process = sandbox.process_id();
        sandbox.next();
        let (init, init_cpu) = (sandbox.started.elapsed(), cpu(process));
        let mut invoke = || {
            let asked = Instant::now();
            sandbox.invoke(&case.event);
            let answer = sandbox.answer();
            let latency = asked.elapsed();
            let status = answer.get("statusCode");
            let is_right = status.is_none_or(|status| status == 200);
            assert!(is_right, "{}: {answer}", case.name);
            case.follow(&answer);
            sandbox.next();
            (latency, cpu(process))
        };
        let (first, cpu_to_first) = invoke();
        let warm = median((0..WARM).map(|_| invoke().0));
        let [init, init_cpu, first, cpu_to_first, warm] =
            [init, init_cpu, first, cpu_to_first, warm].map(|time| 1000.0 * time.as_secs_f64());
        let resident = resident(process) as f64 / 1e6;
        Self([init, init_cpu, first, cpu_to_first, warm, resident])
    }

    /// The median of each figure.
    pub fn medians(runs: &[Self]) -> Self {
        Self(array::from_fn(|figure| {
            let mut figures: Vec<f64> = runs.iter().map(|run| run.0[figure]).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        }))
    }

    /// What is over the reach: 4 ms to start, 10 ms of processor time to the first answer, 25 MB of
    /// memory, 3 MB to load.
    pub fn missed(&self, zip_mb: f64) -> String {
        let [init, _, _, cpu_to_first, _, resident] = self.0;
        let reach = [
            ("init", init, 4.0),
            ("CPU", cpu_to_first, 10.0),
            ("RSS", resident, 25.0),
            ("zip", zip_mb, 3.0),
        ];
        let missed = reach.iter().filter(|(_, figure, most)| figure > most);
        missed.map(|(name, ..)| *name).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|figure| write!(f, " {figure:>10.2}"))
    }
}

fn median(times: impl Iterator<Item = Duration>) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[times.len() / 2]
}

const WARM: usize = 10;
