//! The real-valued distributions of `random`, and the binomial one. Each draws
//! from the generator in CPython 3.13's order, so that the numbers after it
//! are the same too.

use std::f64::consts::{E, PI, TAU};

use super::Random;
use crate::text::float::modulo;

/// ValueError: "gammavariate: alpha and beta must be > 0.0".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GammaError;

/// Why `binomialvariate` refuses; both are ValueErrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinomialError {
    NegativeN,
    BadP,
}

impl BinomialError {
    pub fn message(self) -> &'static str {
        match self {
            BinomialError::NegativeN => "n must be non-negative",
            BinomialError::BadP => "p must be in the range 0.0 <= p <= 1.0",
        }
    }
}

impl Random {
    /// `uniform(a, b)`.
    pub fn uniform(&mut self, a: f64, b: f64) -> f64 {
        a + (b - a) * self.random()
    }

    /// `triangular(low, high, mode)`.
    pub fn triangular(&mut self, low: f64, high: f64, mode: Option<f64>) -> f64 {
        let mut u = self.random();
        let mut c = match mode {
            None => 0.5,
            Some(_) if high == low => return low,
            Some(mode) => (mode - low) / (high - low),
        };
        let (mut low, mut high) = (low, high);
        if u > c {
            u = 1.0 - u;
            c = 1.0 - c;
            (low, high) = (high, low);
        }
        low + (high - low) * (u * c).sqrt()
    }

    /// `normalvariate(mu, sigma)`.
    pub fn normalvariate(&mut self, mu: f64, sigma: f64) -> f64 {
        let magic = 4.0 * (-0.5f64).exp() / 2f64.sqrt();
        loop {
            let u1 = self.random();
            let u2 = 1.0 - self.random();
            let z = magic * (u1 - 0.5) / u2;
            if z * z / 4.0 <= -u2.ln() {
                return mu + z * sigma;
            }
        }
    }

    /// `gauss(mu, sigma)`; every second call draws nothing.
    pub fn gauss(&mut self, mu: f64, sigma: f64) -> f64 {
        let z = self.gauss_next.take().unwrap_or_else(|| {
            let angle = self.random() * TAU;
            let radius = (-2.0 * (1.0 - self.random()).ln()).sqrt();
            self.gauss_next = Some(angle.sin() * radius);
            angle.cos() * radius
        });
        mu + z * sigma
    }

    /// `lognormvariate(mu, sigma)`.
    pub fn lognormvariate(&mut self, mu: f64, sigma: f64) -> f64 {
        self.normalvariate(mu, sigma).exp()
    }

    /// `expovariate(lambd)` for `lambd != 0`.
    pub fn expovariate(&mut self, lambd: f64) -> f64 {
        -(1.0 - self.random()).ln() / lambd
    }

    /// `vonmisesvariate(mu, kappa)`.
    pub fn vonmisesvariate(&mut self, mu: f64, kappa: f64) -> f64 {
        if kappa <= 1e-6 {
            return TAU * self.random();
        }
        let s = 0.5 / kappa;
        let r = s + (1.0 + s * s).sqrt();
        let z = loop {
            let z = (PI * self.random()).cos();
            let d = z / (r + z);
            let u = self.random();
            if u < 1.0 - d * d || u <= (1.0 - d) * d.exp() {
                break z;
            }
        };
        let q = 1.0 / r;
        let f = (q + z) / (1.0 + q * z);
        if self.random() > 0.5 {
            modulo(mu + f.acos(), TAU)
        } else {
            modulo(mu - f.acos(), TAU)
        }
    }

    /// `gammavariate(alpha, beta)`.
    ///
    /// # Errors
    /// A parameter is not positive.
    pub fn gammavariate(&mut self, alpha: f64, beta: f64) -> Result<f64, GammaError> {
        if alpha <= 0.0 || beta <= 0.0 {
            return Err(GammaError);
        }
        if alpha > 1.0 {
            let ainv = (2.0 * alpha - 1.0).sqrt();
            let bbb = alpha - 4f64.ln();
            let ccc = alpha + ainv;
            let magic = 1.0 + 4.5f64.ln();
            loop {
                let u1 = self.random();
                if !(1e-7 < u1 && u1 < 0.999_999_9) {
                    continue;
                }
                let u2 = 1.0 - self.random();
                let v = (u1 / (1.0 - u1)).ln() / ainv;
                let x = alpha * v.exp();
                let z = u1 * u1 * u2;
                let r = bbb + ccc * v - x;
                if r + magic - 4.5 * z >= 0.0 || r >= z.ln() {
                    return Ok(x * beta);
                }
            }
        }
        if alpha == 1.0 {
            return Ok(-(1.0 - self.random()).ln() * beta);
        }
        loop {
            let b = (E + alpha) / E;
            let p = b * self.random();
            let x = if p <= 1.0 {
                p.powf(1.0 / alpha)
            } else {
                -((b - p) / alpha).ln()
            };
            let u = self.random();
            let taken = if p > 1.0 {
                u <= x.powf(alpha - 1.0)
            } else {
                u <= (-x).exp()
            };
            if taken {
                return Ok(x * beta);
            }
        }
    }

    /// `betavariate(alpha, beta)`.
    ///
    /// # Errors
    /// A parameter is not positive.
    pub fn betavariate(&mut self, alpha: f64, beta: f64) -> Result<f64, GammaError> {
        let y = self.gammavariate(alpha, 1.0)?;
        if y == 0.0 {
            return Ok(0.0);
        }
        Ok(y / (y + self.gammavariate(beta, 1.0)?))
    }

    /// `paretovariate(alpha)` for `alpha != 0`.
    pub fn paretovariate(&mut self, alpha: f64) -> f64 {
        (1.0 - self.random()).powf(-1.0 / alpha)
    }

    /// `weibullvariate(alpha, beta)` for `beta != 0`.
    pub fn weibullvariate(&mut self, alpha: f64, beta: f64) -> f64 {
        alpha * (-(1.0 - self.random()).ln()).powf(1.0 / beta)
    }

    /// `binomialvariate(n, p)`.
    ///
    /// # Errors
    /// See [`BinomialError`].
    pub fn binomialvariate(&mut self, n: i64, p: f64) -> Result<i64, BinomialError> {
        if n < 0 {
            return Err(BinomialError::NegativeN);
        }
        if p == 0.0 {
            return Ok(0);
        }
        if p == 1.0 {
            return Ok(n);
        }
        if !(0.0 < p && p < 1.0) {
            return Err(BinomialError::BadP);
        }
        if n == 1 {
            return Ok(i64::from(self.random() < p));
        }
        if p > 0.5 {
            return Ok(n - self.binomial(n, 1.0 - p));
        }
        Ok(self.binomial(n, p))
    }

    /// For `n` other than 1 and `0 < p <= 0.5`.
    fn binomial(&mut self, n: i64, p: f64) -> i64 {
        if n as f64 * p < 10.0 {
            let (mut x, mut y) = (0, 0i64);
            let c = (1.0 - p).log2();
            if c == 0.0 {
                return x;
            }
            loop {
                let step = (self.random().log2() / c).floor() as i64;
                y = y.saturating_add(step).saturating_add(1);
                if y > n {
                    return x;
                }
                x += 1;
            }
        }
        let size = n as f64;
        let spq = (size * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * spq;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let c = size * p + 0.5;
        let vr = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * spq;
        let lpq = (p / (1.0 - p)).ln();
        let m = ((size + 1.0) * p).floor();
        let h = ln_gamma(m + 1.0) + ln_gamma(size - m + 1.0);
        loop {
            let u = self.random() - 0.5;
            let us = 0.5 - u.abs();
            let k = ((2.0 * a / us + b) * u + c).floor();
            if k < 0.0 || k > size {
                continue;
            }
            let v = self.random();
            if us >= 0.07 && v <= vr {
                return k as i64;
            }
            let v = v * (alpha / (a / (us * us) + b));
            let bound = h - ln_gamma(k + 1.0) - ln_gamma(size - k + 1.0) + (k - m) * lpq;
            if v.ln() <= bound {
                return k as i64;
            }
        }
    }
}

/// Lanczos' approximation, g = 6.0246…, as Boost gives it for 13 terms.
const LANCZOS_G: f64 = 6.024_680_040_776_73;
const LANCZOS: [(f64, f64); 13] = [
    (23_531_376_880.410_76, 0.0),
    (42_919_803_642.649_1, 39_916_800.0),
    (35_711_959_237.355_67, 120_543_840.0),
    (17_921_034_426.037_21, 150_917_976.0),
    (6_039_542_586.352_028, 105_258_076.0),
    (1_439_720_407.311_721_6, 45_995_730.0),
    (248_874_557.862_054_17, 13_339_535.0),
    (31_426_415.585_400_194, 2_637_558.0),
    (2_876_370.628_935_372_5, 357_423.0),
    (186_056.265_395_223_48, 32_670.0),
    (8_071.672_002_365_816, 1_925.0),
    (210.824_277_751_579_36, 66.0),
    (2.506_628_274_631_000_2, 1.0),
];

/// The natural logarithm of the gamma function of `x > 0`, as CPython 3.13's
/// mathmodule.c computes it.
pub fn ln_gamma(x: f64) -> f64 {
    if x == 1.0 || x == 2.0 {
        return 0.0;
    }
    if x < 1e-20 {
        return -x.ln();
    }
    let (mut above, mut below) = (0.0, 0.0);
    if x < 5.0 {
        for &(num, den) in LANCZOS.iter().rev() {
            above = above * x + num;
            below = below * x + den;
        }
    } else {
        for &(num, den) in &LANCZOS {
            above = above / x + num;
            below = below / x + den;
        }
    }
    let sum: f64 = above / below;
    let part = sum.ln() - LANCZOS_G;
    part + (x - 0.5) * ((x + LANCZOS_G - 0.5).ln() - 1.0)
}
