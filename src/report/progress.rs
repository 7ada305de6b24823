//! The progress bar.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The bar, at most 79 columns wide: a line that is wrapped is not erased as a whole.
const BAR: &str = "{prefix} [{bar:16}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// A bar over `bytes` of work, shown on a terminal only.
pub(super) fn bar(work: &'static str, bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr()).with_prefix(work);
    // The template is a constant that tests use.
    ProgressStyle::with_template(BAR).map_or(bar.clone(), |style| bar.with_style(style.progress_chars("=> ")))
}

#[cfg(test)]
mod tests {
    use super::BAR;

    #[test]
    fn the_bar_fits_into_80_columns() {
        let widest = [
            ("{prefix}", "verify"),
            ("{bar:16}", "================"),
            ("{bytes}", "1023.99 GiB"),
            ("{total_bytes}", "1023.99 GiB"),
            ("{bytes_per_sec}", "1023.99 MiB/s"),
            ("{eta}", "59m"),
        ];
        let line = widest.iter().fold(BAR.to_owned(), |line, (field, text)| line.replace(field, text));
        assert!(!line.contains('{') && line.len() < 80, "{line}");
    }
}
