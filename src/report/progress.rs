//! Long work on the screen: a bar, or a line a minute.

use std::convert::Infallible;
use std::fmt::Write;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::printable::{human_bytes, part_of};
use crate::progress::Progress;

/// The bar, at most 79 columns wide: a line that is wrapped is not erased as a whole.
const BAR: &str = "{prefix} [{bar:8}] {files}, {done}, {rate}/s, {eta} left";

/// How far work is, on the screen until it is finished or dropped.
pub(crate) struct Shown {
    progress: Progress,
    lines: Option<Reminder>,
}

impl Shown {
    /// Not shown.
    pub(super) fn nowhere() -> Self {
        Self { progress: Progress::hidden(), lines: None }
    }

    /// As a bar.
    pub(super) fn as_bar(work: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_prefix(work);
        let progress = Progress::new(bar.clone());
        let counted = progress.clone();
        // The template is a constant that tests use.
        if let Ok(style) = ProgressStyle::with_template(BAR) {
            bar.set_style(
                style
                    .progress_chars("=> ")
                    .with_key("files", move |_: &ProgressState, text: &mut dyn Write| {
                        let _ = text.write_str(&files(counted.files()));
                    })
                    .with_key("done", |state: &ProgressState, text: &mut dyn Write| {
                        let _ = text.write_str(&part_of(state.pos(), state.len().unwrap_or_default()));
                    })
                    .with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
                        let _ = text.write_str(&per_second(state.per_sec()));
                    }),
            );
        }
        Self { progress, lines: None }
    }

    /// As a line a minute.
    pub(super) fn as_lines(print: impl Fn(&str) + Send + 'static) -> Self {
        let progress = Progress::hidden();
        let counted = progress.clone();
        Self { progress, lines: Reminder::each_minute(move || print(&line(&counted))) }
    }

    /// What the work counts on.
    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Removes the bar.
    pub(crate) fn finish(self) {
        drop(self.lines);
        self.progress.clear();
    }
}

/// `12 files, 1.5 of 3.0 GiB, 200.0 MiB/s`; without the whole, where that is not known.
fn line(progress: &Progress) -> String {
    let (bytes, expected) = (progress.bytes(), progress.expected());
    let done = if expected == 0 { human_bytes(bytes) } else { part_of(bytes, expected) };
    #[expect(clippy::cast_precision_loss, reason = "a rate is shown with one decimal")]
    let rate = bytes as f64 / progress.elapsed().as_secs_f64().max(1.0);
    format!("{}, {done}, {}/s", files(progress.files()), per_second(rate))
}

fn files(count: u64) -> String {
    format!("{count} {}", if count == 1 { "file" } else { "files" })
}

fn per_second(rate: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is not negative")]
    human_bytes(rate as u64)
}

/// Calls a function again and again until it is dropped.
pub(crate) struct Reminder {
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Reminder {
    /// Once a minute; `None` if the system has no thread left.
    pub(super) fn each_minute(remind: impl FnMut() + Send + 'static) -> Option<Self> {
        Self::each(Duration::from_secs(60), remind)
    }

    fn each(time: Duration, mut remind: impl FnMut() + Send + 'static) -> Option<Self> {
        let (stop, stopped) = channel::<Infallible>();
        let thread = thread::Builder::new().spawn(move || {
            while matches!(stopped.recv_timeout(time), Err(RecvTimeoutError::Timeout)) {
                remind();
            }
        });
        Some(Self { stop: Some(stop), thread: Some(thread.ok()?) })
    }
}

impl Drop for Reminder {
    fn drop(&mut self) {
        // Wakes the thread, which ends.
        self.stop = None;
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fits_into_80_columns() {
        let widest = [
            ("{prefix}", "verify"),
            ("{bar:8}", "========"),
            ("{files}", "10000000 files"),
            ("{done}", "1023.9 of 1023.9 GiB"),
            ("{rate}", "1023.9 MiB"),
            ("{eta}", "59m"),
        ];
        let line = widest.iter().fold(BAR.to_owned(), |line, (field, text)| line.replace(field, text));
        assert!(!line.contains('{') && line.len() < 80, "{line}");
    }

    #[test]
    fn a_line_has_files_bytes_and_rate() {
        let progress = Progress::hidden();
        assert_eq!(line(&progress), "0 files, 0 bytes, 0 bytes/s");
        progress.read(1536 << 20);
        progress.file_done();
        assert_eq!(line(&progress), "1 file, 1.5 GiB, 1.5 GiB/s");
        progress.expect(3 << 30);
        progress.file_done();
        assert_eq!(line(&progress), "2 files, 1.5 of 3.0 GiB, 1.5 GiB/s");
    }

    #[test]
    fn a_reminder_comes_again_until_it_is_dropped() {
        let (said, heard) = channel();
        let reminder = Reminder::each(Duration::from_millis(1), move || said.send(()).unwrap()).unwrap();
        heard.recv().unwrap();
        heard.recv().unwrap();
        drop(reminder);
        assert!(heard.iter().count() < usize::MAX, "ends with its sender");
    }
}
