//! Words in color.

/// How a piece of text is meant.
#[derive(Clone, Copy)]
pub(super) enum Tone {
    Good,
    Bad,
    Warning,
    Hint,
}

/// The word in the color of its tone, bold.
pub(super) fn painted(word: &str, tone: Tone) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Warning => "33",
        Tone::Hint => "36",
    };
    format!("\u{1b}[1;{code}m{word}\u{1b}[0m")
}
