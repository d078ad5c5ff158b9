//! What both generators write programs with. Takes a seed, gives choices and indented lines; the
//! same seed gives the same ones on every machine.

pub struct Writer {
    state: u64,
    level: usize,
    pub text: String,
    n_names: usize,
}

impl Writer {
    pub fn new(seed: u64) -> Writer {
        // Neighbouring seeds must not give neighbouring programs.
        let state = (seed ^ 0x5DEE_CE66_D1CE_4E5B).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut writer = Writer {
            state,
            level: 0,
            text: String::new(),
            n_names: 0,
        };
        for _ in 0..4 {
            writer.below(2);
        }
        writer
    }

    /// A number from 0 up to, not including, `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let mixed = self.state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).unwrap_or(0) % bound.max(1)
    }

    /// True once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }

    pub fn line(&mut self, line: impl AsRef<str>) {
        self.text.push_str(&"    ".repeat(self.level));
        self.text.push_str(line.as_ref());
        self.text.push('\n');
    }

    /// A header line, and below it whatever `body` writes.
    pub fn block(&mut self, header: impl AsRef<str>, body: impl FnOnce(&mut Writer)) {
        self.line(header);
        self.level += 1;
        body(self);
        self.level -= 1;
    }

    /// A `try` around whatever `body` writes; its exception is told of, and the program goes on.
    pub fn attempt(&mut self, body: impl FnOnce(&mut Writer)) {
        self.block("try:", body);
        self.block("except (Exception, BaseExceptionGroup) as error:", |w| {
            w.line("oops(error)")
        });
    }

    /// A name that stands nowhere else in the program.
    pub fn name(&mut self, stem: &str) -> String {
        self.n_names += 1;
        format!("{stem}{}", self.n_names)
    }
}
