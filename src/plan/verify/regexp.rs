//! A regular expression for an identity or issuer. cosign searches for it anywhere in the text, so
//! that `me@example.com` would accept `not-me@example.com.evil.test`: aicr anchors it. cosign does
//! the matching.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
    HexLiteralKind, Literal, LiteralKind, Repetition, RepetitionKind, RepetitionRange, Visitor, visit,
};

use crate::error::{Failure, Result};
use crate::printable::tame;

/// An expression that is complete by itself, and so stays one group between `^(?:` and `)$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Regexp {
    typed: String,
    flag: &'static str,
    is_anchored: bool,
}

impl Regexp {
    /// The expression `typed` as the value of `flag`.
    ///
    /// cosign reads it as Go does, this function as Rust does. cosign refuses what Go does not
    /// know. What both read in different ways is refused here: `[[a])|(?:]` is one class in Rust,
    /// and in Go it ends a group that it did not begin.
    pub(crate) fn parse(typed: String, flag: &'static str) -> Result<Self> {
        let refuse = |why: &str| {
            Failure::usage(format!("{flag}: `{}` is not a regular expression: {why}", tame(&typed)))
                .hint("use Go's syntax: https://pkg.go.dev/regexp/syntax")
        };
        let ast = Parser::new().parse(&typed).map_err(|error| refuse(&error.kind().to_string()))?;
        let is_multiline = visit(&ast, Foreign { is_multiline: false }).map_err(refuse)?;
        let is_anchored = !is_multiline && is_anchored(&ast);
        Ok(Self { typed, flag, is_anchored })
    }

    /// The expression as it was typed.
    pub(crate) fn typed(&self) -> &str {
        &self.typed
    }

    /// The expression for cosign, which matches the whole text only.
    pub(crate) fn anchored(&self) -> String {
        format!("^(?:{})$", self.typed)
    }

    /// A warning if the expression is not anchored: its author may expect it to match part of a
    /// text.
    pub(crate) fn warning(&self) -> Option<String> {
        (!self.is_anchored).then(|| {
            let Self { flag, .. } = self;
            format!("{flag} must match the whole text: it is used as `{}`", tame(&self.anchored()))
        })
    }
}

/// Whether each alternative of `ast` begins with `^` and ends with `$`.
fn is_anchored(ast: &Ast) -> bool {
    use AssertionKind::{EndLine, EndText, StartLine, StartText};
    let is = |ast: Option<&Ast>, kinds: [&AssertionKind; 2]| matches!(ast, Some(Ast::Assertion(assertion)) if kinds.contains(&&assertion.kind));
    match ast {
        Ast::Group(group) => is_anchored(&group.ast),
        Ast::Alternation(alternation) => alternation.asts.iter().all(is_anchored),
        Ast::Concat(concat) => {
            let first = concat.asts.iter().find(|ast| !matches!(ast, Ast::Flags(_)));
            is(first, [&StartLine, &StartText]) && is(concat.asts.last(), [&EndLine, &EndText])
        }
        _ => false,
    }
}

/// Finds syntax that Go reads in another way, and whether `^` and `$` stand for lines.
struct Foreign {
    is_multiline: bool,
}

impl Foreign {
    fn flags(&mut self, flags: &Flags) -> std::result::Result<(), &'static str> {
        for item in &flags.items {
            match item.kind {
                FlagsItemKind::Flag(Flag::MultiLine) => self.is_multiline = true,
                FlagsItemKind::Flag(Flag::CRLF | Flag::IgnoreWhitespace | Flag::Unicode) => {
                    return Err("unrecognized flag");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Foreign {
    /// Go allows at most 1,000 repetitions, and no repetition of a repetition.
    fn repetition(repetition: &Repetition) -> std::result::Result<(), &'static str> {
        let most = match &repetition.op.kind {
            RepetitionKind::Range(
                RepetitionRange::Exactly(most)
                | RepetitionRange::AtLeast(most)
                | RepetitionRange::Bounded(_, most),
            ) => *most,
            _ => 0,
        };
        if most > 1000 {
            return Err("more than 1,000 repetitions");
        }
        match *repetition.ast {
            Ast::Repetition(_) => Err("a repetition of a repetition; put the inner one in (?:…)"),
            _ => Ok(()),
        }
    }

    /// Go has only `\x` to write a character by its number.
    fn literal(literal: &Literal) -> std::result::Result<(), &'static str> {
        match literal.kind {
            LiteralKind::HexFixed(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong)
            | LiteralKind::HexBrace(HexLiteralKind::UnicodeShort | HexLiteralKind::UnicodeLong) => {
                Err("\\u and \\U; write \\x{…} for the character")
            }
            _ => Ok(()),
        }
    }
}

impl Visitor for Foreign {
    type Output = bool;
    type Err = &'static str;

    fn finish(self) -> std::result::Result<bool, &'static str> {
        Ok(self.is_multiline)
    }

    fn visit_pre(&mut self, ast: &Ast) -> std::result::Result<(), &'static str> {
        match ast {
            Ast::Flags(set) => self.flags(&set.flags),
            Ast::Group(group) => match &group.kind {
                GroupKind::NonCapturing(flags) => self.flags(flags),
                _ => Ok(()),
            },
            Ast::Repetition(repetition) => Self::repetition(repetition),
            Ast::Literal(literal) => Self::literal(literal),
            _ => Ok(()),
        }
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> std::result::Result<(), &'static str> {
        match item {
            ClassSetItem::Bracketed(_) => Err("a class within a class; write \\[ for the character"),
            ClassSetItem::Literal(literal) => Self::literal(literal),
            _ => Ok(()),
        }
    }

    fn visit_class_set_binary_op_pre(
        &mut self,
        _: &ClassSetBinaryOp,
    ) -> std::result::Result<(), &'static str> {
        Err("a class made of two; write \\&, \\- or \\~ for the character")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAG: &str = "--certificate-identity-regexp";

    fn parse(typed: &str) -> Result<Regexp> {
        Regexp::parse(typed.to_owned(), FLAG)
    }

    #[test]
    fn cosign_gets_the_whole_expression_anchored() {
        for typed in [
            "me@example\\.com",
            "a|b",
            "^a$",
            "(?i)^a",
            "[]|)]",
            "\\)",
            "(a)|(b)",
            "(?P<n>a{2,3}?)",
            "(?:a{1000})*",
            "\\x64\\x{64}",
            "[[:alpha:]]",
        ] {
            let expression = parse(typed).unwrap();
            assert_eq!(expression.anchored(), format!("^(?:{typed})$"));
            assert_eq!(expression.typed(), typed);
        }
    }

    #[test]
    fn an_expression_without_anchors_has_a_warning() {
        for typed in [
            "^a$",
            "^$",
            "\\Aa\\z",
            "^(a|b)$",
            "(^a$)",
            "(?:^a$)",
            "^a$|^b$",
            "(^a$|^b$)",
            "(?i)^a$",
            "(?i:^a$)",
        ] {
            assert_eq!(parse(typed).unwrap().warning(), None, "{typed}");
        }
        for typed in [
            "a", ".*", "^a", "a$", "^a|b$", "^a$|b", "^(a$|b)", "\\^a\\$", "^a\\$", "[^a$]", "(?m)^a$",
            "(?m:^a$)", "^", "(a)", "^a$(?i)",
        ] {
            let warning = format!(
                "{FLAG} must match the whole text: it is used as `{}`",
                tame(&format!("^(?:{typed})$"))
            );
            assert_eq!(parse(typed).unwrap().warning(), Some(warning));
        }
    }

    #[test]
    fn an_expression_that_is_not_complete_is_refused() {
        let nested = "a class within a class; write \\[ for the character";
        let hex = "\\u and \\U; write \\x{…} for the character";
        let of_two = "a class made of two; write \\&, \\- or \\~ for the character";
        for (typed, why) in [
            ("a)|(b", "unopened group"),
            (")", "unopened group"),
            ("(", "unclosed group"),
            ("[a", "unclosed character class"),
            ("a\\", "incomplete escape sequence, reached end of pattern prematurely"),
            ("*", "repetition operator missing expression"),
            ("(?", "unclosed group"),
            ("(?=a)", "look-around, including look-ahead and look-behind, is not supported"),
            ("\\Qa)|(b\\E", "unrecognized escape sequence"),
            ("(?x)a # b)|(c", "unrecognized flag"),
            ("(?x:a)", "unrecognized flag"),
            ("(?u)a", "unrecognized flag"),
            ("(?R)a", "unrecognized flag"),
            ("[[a])|(?:]", nested),
            ("a{0,1001}", "more than 1,000 repetitions"),
            ("a{1001}", "more than 1,000 repetitions"),
            ("a**", "a repetition of a repetition; put the inner one in (?:…)"),
            ("\\u0064", hex),
            ("[\\U00000064]", hex),
            ("\\u{64}", hex),
            ("[a&&b]", of_two),
            ("[a~~b]", of_two),
            ("[+--]", of_two),
        ] {
            let failure = parse(typed).expect_err(typed);
            let message = format!("{FLAG}: `{}` is not a regular expression: {why}", tame(typed));
            assert_eq!((failure.message(), failure.class().code()), (message.as_str(), 2));
            assert_eq!(failure.way_out(), Some("use Go's syntax: https://pkg.go.dev/regexp/syntax"));
        }
    }
}
