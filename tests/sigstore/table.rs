//! Tables for people: columns of equal width, and notes below.

use std::fmt::Write as _;

/// A table.
pub(crate) struct Table {
    lines: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    /// A table with this head.
    pub(crate) fn new<'a>(head: impl IntoIterator<Item = &'a str>) -> Self {
        Self { lines: vec![head.into_iter().map(str::to_owned).collect()], notes: Vec::new() }
    }

    /// One more line.
    pub(crate) fn line(&mut self, line: Vec<String>) {
        self.lines.push(line);
    }

    /// The reference in a cell to this note. Equal notes are printed once.
    pub(crate) fn note(&mut self, words: &str) -> String {
        let words = words.trim_end().replace('\n', "\n    ");
        let at = self.notes.iter().position(|note| *note == words).unwrap_or(self.notes.len());
        if at == self.notes.len() {
            self.notes.push(words);
        }
        format!("[{}]", at + 1)
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lines, notes } = self;
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        let rule: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
        for line in [&lines[0], &rule].into_iter().chain(&lines[1..]) {
            for (cell, width) in line.iter().zip(&widths) {
                write!(f, "| {cell:width$} ")?;
            }
            f.write_str("|\n")?;
        }
        for (note, number) in notes.iter().zip(1..) {
            write!(f, "\n[{number}] {note}")?;
        }
        f.write_char('\n')
    }
}
