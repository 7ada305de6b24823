//! `make bench`: the speed of aicr compared with the tools it could be replaced by, on the same data,
//! run in turn. Figures are for people to read: nothing here fails because something was slow.
//!
//! `BENCH=quick` takes a tenth of the data. `BENCH=signing` measures only what does not depend on it. `BENCH=huge` takes a million files, and one of 10 GiB, and a tenth of
//! each. `BENCH=peers` takes a program that signs trees, too. `BENCH=static` compares the static program with the one
//! that uses the C library of the system.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program for people that has no user but its author: what goes wrong may end it"
)]

mod data;
mod pairs;
mod signing;

use std::path::{Path, PathBuf};

use data::Kind;
use pairs::{Measured, Pair, shell};

/// The program that is measured.
const AICR: &str = env!("CARGO_BIN_EXE_aicr");

/// What is measured on how much data, and how often.
struct Extent {
    divisor: u64,
    runs: usize,
    kinds: &'static [Kind],
    /// What is measured once, before there is any such data.
    first: fn(&Bench),
    rows: fn(&Bench, Kind, &Path),
}

const USUAL: [Kind; 4] = [Kind::ManySmall, Kind::ManyTiny, Kind::FewLarge, Kind::OneHuge];

impl Extent {
    fn wanted() -> Self {
        let usual = Self { divisor: 1, runs: 5, kinds: &USUAL, first: Bench::signing, rows: Bench::usual };
        let other = Self { runs: 3, first: |_| {}, ..usual };
        match std::env::var("BENCH").as_deref() {
            Ok("quick") => Self { divisor: 10, runs: 3, ..usual },
            Ok("signing") => Self { kinds: &[], ..usual },
            Ok("huge") => Self { kinds: &[Kind::Million, Kind::TenGiB], rows: Bench::growth, ..other },
            Ok("static") => Self { kinds: &USUAL[..3], first: |_| {}, rows: Bench::linking, ..usual },
            Ok("peers") => Self { kinds: &USUAL[..3], rows: Bench::peers, ..other },
            _ => usual,
        }
    }
}

fn main() {
    // `cargo test` builds and starts benches too; there is nothing to test here.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let extent = Extent::wanted();
    let room =
        tempfile::Builder::new().prefix("aicr-bench-").tempdir().expect("make a directory for the data");
    let bench = Bench {
        room: room.path().to_owned(),
        cosign: std::env::var("AICR_TEST_COSIGN").expect("`make bench` sets AICR_TEST_COSIGN"),
        runs: extent.runs,
        copies: std::cell::Cell::new(0),
    };
    println!("{}\n", machine());
    println!("| work | data | compared with | aicr, s | that, s | ratio: median (min - max) | memory, MiB |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    (extent.first)(&bench);
    for kind in extent.kinds {
        let made = data::make(*kind, extent.divisor, &bench.room.join(kind.name()));
        (extent.rows)(&bench, *kind, &made);
        // Few files go at once: they take all the room that many a disk has.
        if kind.is_few() {
            let _ = std::fs::remove_dir_all(made);
        }
    }
}

/// What the figures were taken on, in a line.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or(": unknown");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "{cores} processors,{}, Linux {}, load {} when it began",
        model
            .trim_start_matches([':', '\t', ' '])
            .split_whitespace()
            .fold(String::new(), |all, word| all + " " + word),
        kernel.trim(),
        load.split(' ').next().unwrap_or_default()
    )
}

/// The key that cosign signs with, and its public half.
struct Keys {
    private: String,
    public: String,
}

impl Keys {
    fn throwaway() -> Self {
        let of = |half: &str| format!("{}/fixtures/keys/throwaway.{half}", env!("CARGO_MANIFEST_DIR"));
        Self { private: of("key"), public: of("pub") }
    }
}

struct Bench {
    room: PathBuf,
    cosign: String,
    runs: usize,
    copies: std::cell::Cell<usize>,
}

impl Bench {
    /// A path that no run has written to: what was deleted slows down what is created for a while.
    fn fresh(&self) -> PathBuf {
        self.copies.set(self.copies.get() + 1);
        self.room.join(format!("copy-{}", self.copies.get()))
    }

    fn usual(&self, kind: Kind, tree: &Path) {
        self.verify(kind, tree);
        if kind != Kind::OneHuge {
            self.build(kind, tree);
            self.copy(kind, tree);
            self.shard(kind, tree);
            self.archive(kind, tree);
        }
    }

    /// Ten times as much, compared with ten times a tenth of it.
    fn growth(&self, kind: Kind, tree: &Path) {
        let tenth = data::make(kind, 10, &self.room.join("tenth"));
        let aicr = |words: &str, tree: &Path| shell(&format!("{AICR} {words} {} --quiet", tree.display()));
        for (name, words) in [
            ("verify --checksums-only", "verify --checksums-only"),
            ("bundle --in-place", "bundle --force --in-place"),
        ] {
            let ten_times =
                || Measured { seconds: 10.0 * aicr(words, &tenth).seconds, ..aicr(words, &tenth) };
            let pair = Pair::run(self.runs, &mut || aicr(words, tree), &mut || ten_times());
            row(name, kind.name(), "ten times a tenth of it", &pair);
        }
        std::fs::remove_dir_all(tenth).expect("remove a tree");
    }

    /// The static program of a release, compared with the one that `make` builds.
    fn linking(&self, kind: Kind, tree: &Path) {
        let linked = std::env::var("AICR_BENCH_STATIC").expect("`make bench` sets AICR_BENCH_STATIC");
        let tree = tree.display();
        let verify = |aicr: &str| shell(&format!("{aicr} verify {tree} --checksums-only --quiet"));
        let pair = Pair::run(self.runs, &mut || verify(&linked), &mut || verify(AICR));
        row("static: verify --checksums-only", kind.name(), "glibc", &pair);
        let bundle = |aicr: &str| {
            let line =
                |copy: &str| format!("{aicr} bundle {tree} --exclude /checksums.txt --output {copy} --quiet");
            self.written_to_fresh(kind, &line)
        };
        let pair = Pair::run(self.runs, &mut || bundle(&linked), &mut || bundle(AICR));
        row("static: bundle", kind.name(), "glibc", &pair);
    }

    /// A tree that is signed where it is, and verified.
    fn peers(&self, kind: Kind, tree: &Path) {
        let peer =
            std::env::var("AICR_BENCH_MODEL_SIGNING").expect("`make bench` sets AICR_BENCH_MODEL_SIGNING");
        let (key, public) = (self.room.join("peer.key"), self.room.join("peer.pub"));
        let (signature, keys) = (self.room.join("peer.sig"), Keys::throwaway());
        let (key, public, signature, tree) =
            (key.display(), public.display(), signature.display(), tree.display());
        let made = shell(&format!(
            "openssl ecparam -name prime256v1 -genkey -noout -out {key} && openssl pkey -in {key} -pubout -out {public}"
        ));
        assert!(made.succeeded, "openssl made no key");
        let aicr = format!("COSIGN_PASSWORD= {AICR} --cosign {} --quiet", self.cosign);
        for (name, ours, theirs) in [
            (
                "bundle --in-place, signed",
                format!(
                    "{aicr} bundle {tree} --in-place --force --signing-key {} --tlog-upload=false",
                    keys.private
                ),
                format!("{peer} sign key {tree} --private_key {key} --signature {signature} >/dev/null"),
            ),
            (
                "verify",
                format!("{aicr} verify {tree} --key {} --insecure-ignore-tlog", keys.public),
                format!("{peer} verify key {tree} --public_key {public} --signature {signature} >/dev/null"),
            ),
        ] {
            row(
                name,
                kind.name(),
                "model_signing",
                &Pair::run(self.runs, &mut || shell(&ours), &mut || shell(&theirs)),
            );
        }
    }

    fn verify(&self, kind: Kind, tree: &Path) {
        let tree = tree.display();
        let aicr = format!("{AICR} verify {tree} --checksums-only --quiet");
        for (name, other) in [
            ("sha256sum --check --quiet", format!("cd {tree} && sha256sum --check --quiet checksums.txt")),
            (
                "xargs -P2 openssl dgst -sha256",
                format!(
                    "cd {tree} && cut -c67- checksums.txt | tr '\\n' '\\0' | xargs -0 -P2 -n64 openssl dgst -sha256 >/dev/null"
                ),
            ),
        ] {
            let pair = Pair::run(self.runs, &mut || shell(&aicr), &mut || shell(&other));
            row("verify --checksums-only", kind.name(), name, &pair);
        }
    }

    fn build(&self, kind: Kind, tree: &Path) {
        // The data has a manifest of its own, for the verifier; it is left out here.
        let tree = tree.display();
        let aicr =
            |copy: &str| format!("{AICR} bundle {tree} --exclude /checksums.txt --output {copy} --quiet");
        let other = |copy: &str| {
            format!(
                "cp -r {tree} {copy} && cd {copy} && find . -type f -print0 | xargs -0 sha256sum >/dev/null"
            )
        };
        let pair = Pair::run(self.runs, &mut || self.written_to_fresh(kind, &aicr), &mut || {
            self.written_to_fresh(kind, &other)
        });
        row("bundle", kind.name(), "cp -r, sha256sum", &pair);
    }

    /// A bundle that is verified and copied in one pass. The time of cosign is in it.
    fn copy(&self, kind: Kind, tree: &Path) {
        let Keys { private, public } = Keys::throwaway();
        let (aicr, tree) =
            (format!("COSIGN_PASSWORD= {AICR} --cosign {} --quiet", self.cosign), tree.display());
        let signed = shell(&format!("{aicr} bundle-sign {tree} --signing-key {private} --tlog-upload=false"));
        assert!(signed.succeeded, "the data was not signed");
        let ours = |copy: &str| {
            format!("{aicr} verify {tree} --key {public} --insecure-ignore-tlog --copy-to {copy}")
        };
        let other = |copy: &str| {
            format!("cp -r {tree} {copy} && cd {copy} && sha256sum --check --quiet checksums.txt")
        };
        let pair = Pair::run(self.runs, &mut || self.written_to_fresh(kind, &ours), &mut || {
            self.written_to_fresh(kind, &other)
        });
        row("verify --copy-to", kind.name(), "cp -r, sha256sum --check", &pair);
    }

    /// A quarter of the signed bundle that `copy` has left. The time of cosign is in both.
    fn shard(&self, kind: Kind, tree: &Path) {
        let (cosign, tree, public) = (&self.cosign, tree.display(), Keys::throwaway().public);
        let whole =
            format!("{AICR} --cosign {cosign} --quiet verify {tree} --key {public} --insecure-ignore-tlog");
        let quarter = format!("{whole} --shard 1/4");
        let pair = Pair::run(self.runs, &mut || shell(&quarter), &mut || shell(&whole));
        row("verify --shard 1/4", kind.name(), "verify", &pair);
    }

    /// An archive of the signed bundle that `copy` has left, written and verified. The time of cosign is in the latter.
    fn archive(&self, kind: Kind, tree: &Path) {
        let public = Keys::throwaway().public;
        let tree = tree.display();
        let ours = |file: &str| format!("{AICR} pack {tree} --output {file} --quiet");
        for (name, end) in [("tar -c", ""), ("tar -c, sync", " && sync {}")] {
            let other = |file: &str| format!("tar -C {tree} -cf {file} .{}", end.replace("{}", file));
            let pair = Pair::run(self.runs, &mut || self.written_to_fresh(kind, &ours), &mut || {
                self.written_to_fresh(kind, &other)
            });
            row("pack", kind.name(), name, &pair);
        }
        let packed = self.fresh();
        let packed = packed.display();
        assert!(shell(&ours(&packed.to_string())).succeeded, "the data was not packed");
        let verify = format!(
            "{AICR} --cosign {} --quiet verify {packed} --key {public} --insecure-ignore-tlog",
            self.cosign
        );
        let other = |copy: &str| {
            format!(
                "mkdir {copy} && tar -C {copy} -xf {packed} && cd {copy} && sha256sum --check --quiet checksums.txt"
            )
        };
        let pair = Pair::run(self.runs, &mut || shell(&verify), &mut || self.written_to_fresh(kind, &other));
        row("verify FILE.tar", kind.name(), "tar -x, sha256sum --check", &pair);
    }

    /// Runs a line that writes to a new directory or file.
    fn written_to_fresh(&self, kind: Kind, line: &dyn Fn(&str) -> String) -> Measured {
        let copy = self.fresh();
        let measured = shell(&line(&copy.display().to_string()));
        if kind.is_few() {
            let _ = std::fs::remove_dir_all(&copy).or_else(|_| std::fs::remove_file(&copy));
        }
        measured
    }
}

fn row(work: &str, data: &str, against: &str, pair: &Pair) {
    let Pair { first, second } = pair;
    let ratios: Vec<f64> = first.iter().zip(second).map(|(a, b)| a.seconds / b.seconds).collect();
    let seconds = |runs: &[Measured]| spread(&runs.iter().map(|run| run.seconds).collect::<Vec<_>>());
    let memory = first.iter().map(|run| run.kibibytes).max().unwrap_or_default() / 1024;
    let failed = first.iter().chain(second).filter(|run| !run.succeeded).count();
    let failed = if failed == 0 { String::new() } else { format!(" ({failed} runs FAILED)") };
    println!(
        "| {work} | {data} | `{against}`{failed} | {:.3} | {:.3} | {:.3} ({:.3} - {:.3}) | {memory} |",
        seconds(first)[1],
        seconds(second)[1],
        spread(&ratios)[1],
        spread(&ratios)[0],
        spread(&ratios)[2]
    );
}

/// Minimum, median and maximum.
fn spread(figures: &[f64]) -> [f64; 3] {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    [sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]]
}
