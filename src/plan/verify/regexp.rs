//! A regular expression for an identity or issuer. cosign finds one anywhere in the text, so that
//! `me@example.com` would let `not-me@example.com.evil.test` in: it gets the expression anchored as a
//! whole. Pure; what matches is cosign's to say.

use regex_syntax::ast::parse::Parser;
use regex_syntax::ast::{
    AssertionKind, Ast, ClassSetBinaryOp, ClassSetItem, Flag, Flags, FlagsItemKind, GroupKind,
    HexLiteralKind, Literal, LiteralKind, Repetition, RepetitionKind, RepetitionRange, Visitor, visit,
};

use crate::error::{Failure, Result};
use crate::printable::tame;

/// An expression that is one by itself, and so stays one between `^(?:` and `)$`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Regexp {
    typed: String,
    flag: &'static str,
    is_anchored: bool,
}

impl Regexp {
    /// The expression `typed` as the value of `flag`.
    ///
    /// cosign reads it as Go does, this reads it as Rust does. What Go does not know, cosign refuses.
    /// What both know but differently is refused here: `[[a])|(?:]` is one class in Rust, and in Go
    /// ends a group that it did not begin.
    pub(crate) fn parse(typed: String, flag: &'static str) -> Result<Self> {
        let refuse = |why: &str| {
            Failure::usage(format!("{flag}: `{}` is no regular expression: {why}", tame(&typed)))
                .hint("cosign takes those of Go: https://pkg.go.dev/regexp/syntax")
        };
        let ast = Parser::new().parse(&typed).map_err(|error| refuse(&error.kind().to_string()))?;
        let is_multiline = visit(&ast, Foreign { is_multiline: false }).map_err(refuse)?;
        let is_anchored = !is_multiline && is_anchored(&ast);
        Ok(Self { typed, flag, is_anchored })
    }

    /// What cosign gets: the expression, for the whole of the text.
    pub(crate) fn anchored(&self) -> String {
        format!("^(?:{})$", self.typed)
    }

    /// What to tell an operator who did not anchor it, and may have meant another text around it.
    pub(crate) fn warning(&self) -> Option<String> {
        (!self.is_anchored).then(|| {
            let Self { flag, .. } = self;
            format!("{flag} has to match as a whole, and is taken as `{}`", tame(&self.anchored()))
        })
    }
}

/// Whether `ast` begins with `^` and ends with `$`, whichever way is taken through it.
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

/// Finds what Go reads in another way, and says whether `^` and `$` mean lines.
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
    /// Go repeats a thousand times at the most, and not what is a repetition already.
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

    /// Go has one way to write a character by its number.
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
    fn cosign_gets_it_anchored_as_a_whole() {
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
            assert_eq!(parse(typed).unwrap().anchored(), format!("^(?:{typed})$"));
        }
    }

    #[test]
    fn what_was_not_anchored_is_told() {
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
                "{FLAG} has to match as a whole, and is taken as `{}`",
                tame(&format!("^(?:{typed})$"))
            );
            assert_eq!(parse(typed).unwrap().warning(), Some(warning));
        }
    }

    #[test]
    fn what_is_none_by_itself_is_refused() {
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
            let said = format!("{FLAG}: `{}` is no regular expression: {why}", tame(typed));
            assert_eq!((failure.message(), failure.class().code()), (said.as_str(), 2));
            assert_eq!(failure.way_out(), Some("cosign takes those of Go: https://pkg.go.dev/regexp/syntax"));
        }
    }
}
