//! The table that `make bench` prints, and what its charts are drawn from.

use crate::pairs::{Measured, Pair};

/// One comparison, and its figures.
pub(crate) struct Row {
    pub(crate) work: String,
    data: String,
    /// What aicr is compared with.
    pub(crate) against: String,
    /// The medians, in seconds.
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// aicr's time divided by the other's: minimum, median and maximum.
    pub(crate) ratio: [f64; 3],
    /// The largest memory of any one process of aicr, in MiB.
    memory: u64,
    failed: usize,
}

impl Row {
    pub(crate) fn new(work: &str, data: &str, against: &str, pair: &Pair) -> Self {
        let Pair { first, second } = pair;
        let ratios: Vec<f64> = first.iter().zip(second).map(|(a, b)| a.seconds / b.seconds).collect();
        let [_, ours, _] = spread(&seconds(first));
        let [_, theirs, _] = spread(&seconds(second));
        Self {
            work: work.to_owned(),
            data: data.to_owned(),
            against: against.to_owned(),
            ours,
            theirs,
            ratio: spread(&ratios),
            memory: first.iter().map(|run| run.kibibytes).max().unwrap_or_default() / 1024,
            failed: first.iter().chain(second).filter(|run| !run.succeeded).count(),
        }
    }

    pub(crate) fn print(&self) {
        let Self { work, data, against, ours, theirs, ratio: [least, median, most], memory, failed } = self;
        let failed = if *failed == 0 { String::new() } else { format!(" ({failed} runs FAILED)") };
        println!(
            "| {work} | {data} | `{against}`{failed} | {ours:.3} | {theirs:.3} | {median:.3} ({least:.3} - {most:.3}) | {memory} |"
        );
    }
}

pub(crate) fn print_head() {
    println!("| work | data | compared with | aicr, s | that, s | ratio: median (min - max) | memory, MiB |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
}

fn seconds(runs: &[Measured]) -> Vec<f64> {
    runs.iter().map(|run| run.seconds).collect()
}

/// Minimum, median and maximum.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}
