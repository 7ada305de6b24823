//! Random numbers from a seed, the same in each run, and random trees and damage.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Random numbers from a seed.
pub(crate) struct Random(fastrand::Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// A random number below `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0.usize(..limit)
    }

    /// A random element.
    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.0.u8(..)).collect()
    }

    /// A random path of up to four components.
    fn path(&mut self) -> String {
        const WORDS: [&str; 14] = [
            "a",
            "B",
            ".c",
            "-",
            "--x",
            "\u{fc}",
            "\u{65e5}",
            "x y",
            "a.b",
            "*",
            "$(id)",
            "\u{10ffff}",
            "...",
            "~",
        ];
        let component =
            |random: &mut Self| (0..=random.below(3)).map(|_| random.one_of(&WORDS)).collect::<String>();
        let components: Vec<String> = (0..=self.below(4)).map(|_| component(self)).collect();
        let path = components.join("/");
        // No bundle has this name.
        if path == "-" { "--".to_owned() } else { path }
    }

    /// Writes a few random files to a directory.
    pub(crate) fn fill(&mut self, directory: &Path) {
        for _ in 0..=self.below(12) {
            let path = directory.join(self.path());
            // A file cannot be created where one of its directories is a file.
            if path.exists() || fs::create_dir_all(path.parent().unwrap()).is_err() {
                continue;
            }
            let length = self.one_of(&[0, 1, 63, 64, 4096, 300_000]);
            fs::write(path, self.bytes(length)).unwrap();
        }
        fs::write(directory.join("always"), "there").unwrap();
    }

    /// Damages one entry of a directory, and returns a description.
    pub(crate) fn damage(&mut self, directory: &Path) -> String {
        loop {
            let paths = paths(directory);
            let path = &paths[self.below(paths.len())];
            let shown = path.strip_prefix(directory).unwrap().display().to_string();
            if let Some(done) = self.damage_one(directory, path) {
                return format!("{done} {shown}");
            }
        }
    }

    fn damage_one(&mut self, directory: &Path, path: &Path) -> Option<&'static str> {
        let is_file = path.is_file();
        let content = if is_file { fs::read(path).unwrap() } else { Vec::new() };
        Some(match self.below(12) {
            0 if !content.is_empty() => {
                let (mut other, at) = (content, self.below(1 << 30));
                let at = at % other.len();
                other[at] ^= 1 << self.below(8);
                fs::write(path, other).unwrap();
                "a bit changed in"
            }
            1 if !content.is_empty() => {
                fs::write(path, &content[..self.below(content.len())]).unwrap();
                "shortened:"
            }
            2 if is_file => {
                let more = self.below(3) + 1;
                fs::write(path, [content, self.bytes(more)].concat()).unwrap();
                "appended to"
            }
            3 if content.len() > 1 => {
                let mut other = content;
                other.remove(self.below(other.len()));
                fs::write(path, other).unwrap();
                "a byte removed from"
            }
            4 if is_file => {
                let mut other = content;
                let (at, byte) = (self.below(other.len() + 1), self.bytes(1)[0]);
                other.insert(at, byte);
                fs::write(path, other).unwrap();
                "a byte inserted in"
            }
            5 if content.contains(&b'\n') => {
                let mut lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
                let (one, two) = (self.below(lines.len()), self.below(lines.len()));
                if lines[one] == lines[two] {
                    return None;
                }
                lines.swap(one, two);
                fs::write(path, lines.concat()).unwrap();
                "lines swapped in"
            }
            6 if is_file => {
                fs::remove_file(path).unwrap();
                "removed:"
            }
            7 => {
                let to = directory.join(format!("moved{}", self.below(1000)));
                fs::rename(path, to).unwrap();
                "moved:"
            }
            8 if is_file => {
                fs::rename(path, directory.with_extension("moved")).unwrap();
                symlink(directory.with_extension("moved"), path).unwrap();
                "replaced by a link:"
            }
            9 if path.is_dir() => {
                fs::write(path.join("unlisted"), "").unwrap();
                "a file added to"
            }
            10 if is_file => {
                fs::remove_file(path).unwrap();
                fs::create_dir(path).unwrap();
                "replaced by a directory:"
            }
            11 if is_file => {
                let others: Vec<PathBuf> =
                    paths(directory).into_iter().filter(|other| other.is_file()).collect();
                let other = &others[self.below(others.len())];
                if fs::read(other).unwrap() == content {
                    return None;
                }
                fs::copy(other, path).unwrap();
                "replaced by another file:"
            }
            _ => return None,
        })
    }
}

/// The paths of all files and directories in a directory, sorted.
fn paths(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
