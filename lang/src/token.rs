//! What the layout pass gives and the parser takes. A token is a kind and a
//! span; its text stays in the source.

use crate::source::Span;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub kind: TokenKind,
    pub span: Span,
}

/// Declares [`TokenKind`] and how each kind is called in a message.
macro_rules! token_kinds {
    ($($(#[$doc:meta])* $kind:ident $text:literal)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum TokenKind {
            $($(#[$doc])* $kind,)*
        }

        impl TokenKind {
            /// The token as it is written, or what it is where that varies.
            pub fn text(self) -> &'static str {
                match self {
                    $(TokenKind::$kind => $text,)*
                }
            }
        }
    };
}

token_kinds! {
    // Layout.
    Newline "newline"
    Indent "indent"
    Dedent "dedent"
    End "end of file"
    /// A diagnostic of the lexer or the layout pass stands for it.
    Error "error"
    // Names and literals.
    Name "name"
    Int "integer"
    Float "float"
    Imaginary "complex number"
    Str "string"
    Bytes "bytes"
    FStringStart "f-string"
    FStringMiddle "text of an f-string"
    FStringEnd "end of f-string"
    // Names that are keywords in some places only.
    Match "match"
    Case "case"
    Type "type"
    Underscore "_"
    // Keywords.
    False "False"
    None "None"
    True "True"
    And "and"
    As "as"
    Assert "assert"
    Async "async"
    Await "await"
    Break "break"
    Class "class"
    Continue "continue"
    Def "def"
    Del "del"
    Elif "elif"
    Else "else"
    Except "except"
    Finally "finally"
    For "for"
    From "from"
    Global "global"
    If "if"
    Import "import"
    In "in"
    Is "is"
    Lambda "lambda"
    Nonlocal "nonlocal"
    Not "not"
    Or "or"
    Pass "pass"
    Raise "raise"
    Return "return"
    Try "try"
    While "while"
    With "with"
    Yield "yield"
    // Operators and delimiters.
    LParen "("
    RParen ")"
    LBracket "["
    RBracket "]"
    LBrace "{"
    RBrace "}"
    Comma ","
    Colon ":"
    ColonEqual ":="
    Semicolon ";"
    Dot "."
    Ellipsis "..."
    Arrow "->"
    Exclamation "!"
    At "@"
    Plus "+"
    Minus "-"
    Star "*"
    DoubleStar "**"
    Slash "/"
    DoubleSlash "//"
    Percent "%"
    Amper "&"
    VBar "|"
    Caret "^"
    Tilde "~"
    LeftShift "<<"
    RightShift ">>"
    Less "<"
    Greater ">"
    LessEqual "<="
    GreaterEqual ">="
    EqEqual "=="
    NotEqual "!="
    Equal "="
    PlusEqual "+="
    MinusEqual "-="
    StarEqual "*="
    SlashEqual "/="
    DoubleSlashEqual "//="
    PercentEqual "%="
    AtEqual "@="
    AmperEqual "&="
    VBarEqual "|="
    CaretEqual "^="
    LeftShiftEqual "<<="
    RightShiftEqual ">>="
    DoubleStarEqual "**="
    /// A character that no token has: `$`, `?` and the like.
    Unknown "unknown character"
}

impl TokenKind {
    /// Whether it can stand where a name stands.
    pub fn is_name(self) -> bool {
        matches!(
            self,
            TokenKind::Name
                | TokenKind::Match
                | TokenKind::Case
                | TokenKind::Type
                | TokenKind::Underscore
        )
    }

    /// Whether it is reserved everywhere.
    pub fn is_keyword(self) -> bool {
        (self as u8) >= TokenKind::False as u8 && (self as u8) <= TokenKind::Yield as u8
    }
}
