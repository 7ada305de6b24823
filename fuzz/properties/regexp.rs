//! A regular expression stays anchored: no bracket in it ends the group that aicr puts around it,
//! neither as Rust reads it nor as Go does, in which cosign is written.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{Ast, GroupKind};

use super::is_one_plain_line;
use crate::plan::verify::Regexp;

pub(super) fn holds(input: &[u8]) {
    let Ok(typed) = std::str::from_utf8(input) else { return };
    let regexp = match Regexp::parse(typed.to_owned(), "--certificate-identity-regexp") {
        Ok(regexp) => regexp,
        Err(failure) => return is_one_plain_line(failure.message()),
    };
    let anchored = regexp.anchored();
    assert_eq!(anchored, format!("^(?:{typed})$"));
    if let Some(warning) = regexp.warning() {
        is_one_plain_line(&warning);
    }
    let Ok(Ast::Concat(ref concat)) = Parser::new().parse(&anchored) else { panic!("{anchored}") };
    let [Ast::Assertion(_), Ast::Group(group), Ast::Assertion(_)] = &concat.asts[..] else {
        panic!("{anchored}");
    };
    assert!(matches!(group.kind, GroupKind::NonCapturing(_)));
    assert_eq!((group.span.start.offset, group.span.end.offset), (1, anchored.len() - 1));
    assert!(!go_ends_a_group_around(typed), "{anchored}");
}

/// Whether Go reads a `)` that ends no group of `typed`: the part of `regexp/syntax/parse.go` of Go
/// 1.26 about brackets. For an expression that Go refuses either answer is right: cosign refuses it
/// too.
fn go_ends_a_group_around(typed: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = typed;
    while let Some(letter) = rest.chars().next() {
        rest = match letter {
            '(' => {
                depth += 1;
                // The name of a group, in which Go allows any letter at this point.
                let named = rest.strip_prefix("(?P<").or_else(|| rest.strip_prefix("(?<"));
                named.map_or(&rest[1..], |name| name.split_once('>').map_or("", |(_, rest)| rest))
            }
            ')' if depth == 0 => return true,
            ')' => {
                // `(?i)` is not a group, and ends itself.
                depth -= 1;
                &rest[1..]
            }
            '[' => match after_class(&rest[1..]) {
                Some(rest) => rest,
                None => return false,
            },
            '\\' if rest.starts_with("\\Q") => rest.split_once("\\E").map_or("", |(_, rest)| rest),
            _ => after_letter(rest),
        };
    }
    false
}

/// The text after a class, whose `[` was read; `None` if Go refuses it. A `]` that comes first is part of
/// the class.
fn after_class(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('^').unwrap_or(text);
    let mut first = true;
    while !rest.is_empty() && (first || !rest.starts_with(']')) {
        first = false;
        let named = rest.strip_prefix("[:").and_then(|name| name.split_once(":]"));
        let is_class =
            ["\\d", "\\D", "\\s", "\\S", "\\w", "\\W", "\\p", "\\P"].iter().any(|c| rest.starts_with(c));
        rest = match named {
            Some((_, rest)) => rest,
            None if is_class => after_escape(rest),
            None => {
                let (from, rest) = (rest, after_letter(rest));
                // The `[` of `a-[` does not begin a class.
                match rest.strip_prefix('-').filter(|to| !to.is_empty() && !to.starts_with(']')) {
                    Some(to) if is_reversed(from, to) => return None,
                    Some(to) => after_letter(to),
                    None => rest,
                }
            }
        };
    }
    Some(rest.get(1..).unwrap_or_default())
}

/// Whether a range ends before it begins. Of escaped letters this is not known. Rust does not read a range
/// in `[--!]`.
fn is_reversed(from: &str, to: &str) -> bool {
    let is_escaped = [from, to].iter().any(|text| text.starts_with('\\'));
    !is_escaped && to.chars().next() < from.chars().next()
}

/// The text after a letter, escaped or not.
fn after_letter(text: &str) -> &str {
    if text.starts_with('\\') {
        after_escape(text)
    } else {
        &text[text.chars().next().map_or(0, char::len_utf8)..]
    }
}

/// The text after an escaped letter, and after its class or its value in braces.
fn after_escape(text: &str) -> &str {
    let mut letters = text.chars();
    letters.next();
    let kind = letters.next();
    let rest = letters.as_str();
    match kind {
        Some('p' | 'P' | 'x') if rest.starts_with('{') => rest.split_once('}').map_or("", |(_, rest)| rest),
        Some('p' | 'P') => {
            letters.next();
            letters.as_str()
        }
        _ => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_read_as_go_reads_them() {
        for (typed, ends) in [
            ("a)|(b", true),
            ("(a)|(?:b)", false),
            ("(?i)a", false),
            ("\\)[)]\\Q)\\E[^])]", false),
            // Rust reads one class.
            ("[[a])|(?:]", true),
            ("[[:alpha:])]", false),
            // In Go `[:]` is not the name of a class, and a `[` at the end of a range does not
            // begin one.
            ("[[:](a)[:]", false),
            ("[+-[:](a)", false),
            ("[+-[:])", true),
            // Go refuses the range.
            ("[--!])", false),
            ("[!--])", true),
            ("[[:alpha:]])", true),
            ("\\p{)}(?P<)>a)", false),
            ("[\\])]", false),
            ("\\p[(a)", false),
        ] {
            assert_eq!(go_ends_a_group_around(typed), ends, "{typed}");
        }
    }
}
