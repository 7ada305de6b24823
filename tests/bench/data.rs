//! The data: made from a fixed seed, so that every machine measures on the same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a tree is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// T1: 10,000 files of 4 to 64 KiB.
    ManySmall,
    /// T2: 4 files of 1 GiB.
    FewLarge,
    /// T3: one file of 4 GiB.
    OneHuge,
    /// T4: 100,000 files of 0 to 1 KiB.
    ManyTiny,
    /// A million files of 0 to 64 bytes.
    Million,
    /// One file of 10 GiB.
    TenGiB,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ManySmall => "T1",
            Self::FewLarge => "T2",
            Self::OneHuge => "T3",
            Self::ManyTiny => "T4",
            Self::Million => "million",
            Self::TenGiB => "10-GiB",
        }
    }

    /// What it is, for people.
    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::ManySmall => "10,000 files of 4 to 64 KiB",
            Self::FewLarge => "4 files of 1 GiB",
            Self::OneHuge => "1 file of 4 GiB",
            Self::ManyTiny => "100,000 files of 0 to 1 KiB",
            Self::Million => "1,000,000 files of 0 to 64 bytes",
            Self::TenGiB => "1 file of 10 GiB",
        }
    }

    /// Whether a copy is removed after each run: several of them take too much room.
    pub(crate) fn is_removed_at_once(self) -> bool {
        self.is_few() || self == Self::Million
    }

    /// Whether it is a few large files.
    pub(crate) fn is_few(self) -> bool {
        self.shape().0 < 100
    }

    /// Files, and the sizes between which theirs lie.
    fn shape(self) -> (u64, u64, u64) {
        match self {
            Self::ManySmall => (10_000, 4 << 10, 64 << 10),
            Self::FewLarge => (4, 1 << 30, 1 << 30),
            Self::OneHuge => (1, 4 << 30, 4 << 30),
            Self::ManyTiny => (100_000, 0, 1 << 10),
            Self::Million => (1_000_000, 0, 64),
            Self::TenGiB => (1, 10 << 30, 10 << 30),
        }
    }
}

const MIB: usize = 1 << 20;

/// Makes a tree of this kind with its manifest; with fewer or smaller files if there is a divisor.
pub(crate) fn make(kind: Kind, divisor: u64, tree: &Path) -> PathBuf {
    let (files, least, most) = kind.shape();
    let (files, least, most) =
        if kind.is_few() { (files, least / divisor, most / divisor) } else { (files / divisor, least, most) };
    let mut random = fastrand::Rng::with_seed(0x5eed_0000 + files);
    // Four MiB of noise, from which every file takes its own stretch.
    let mut noise = vec![0; 4 * MIB];
    random.fill(&mut noise);
    for number in 0..files {
        let directory = tree.join(format!("d{:03}", number / 1000));
        if number % 1000 == 0 {
            fs::create_dir_all(&directory).expect("make a directory");
        }
        let size = random.u64(least..=most);
        let mut file =
            BufWriter::new(File::create(directory.join(format!("f{number:07}"))).expect("make a file"));
        let mut left = size;
        while left > 0 {
            let start = random.usize(..2 * MIB);
            let length = usize::try_from(left).map_or(2 * MIB, |left| left.min(2 * MIB));
            file.write_all(&noise[start..start + length]).expect("write a file");
            left -= length as u64;
        }
        file.flush().expect("write a file");
    }
    let script = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum > ../sums && mv ../sums checksums.txt";
    let status = Command::new("sh").arg("-c").arg(script).current_dir(tree).status().expect("start sh");
    assert!(status.success(), "the manifest could not be made");
    tree.to_owned()
}
