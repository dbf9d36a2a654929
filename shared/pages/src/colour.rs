//! Colours, and whether a person can read them.

use std::fmt;
use std::str::FromStr;

/// A colour, as an operator writes it: `#rrggbb`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Colour {
    red: u8,
    green: u8,
    blue: u8,
}

/// What is not a colour.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a colour is # and six hexadecimal digits, such as #0a6a5c")]
pub struct InvalidColour;

impl Colour {
    /// Black.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);

    /// A colour of these parts.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio"). Text needs 4.5, the edge of a
    /// button 3.
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// Black or white, whichever is easier to read on this colour. The better of the two has a contrast of at
    /// least 4.58 on every colour.
    pub fn ink(self) -> Self {
        match self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            true => Self::WHITE,
            false => Self::BLACK,
        }
    }

    /// This colour, if it has the `contrast` on `ground`; otherwise the nearest one that has it, on the way to
    /// black or white.
    pub fn visible_on(self, ground: Self, contrast: f64) -> Self {
        let ink = ground.ink();
        (0..=STEPS)
            .map(|step| self.mixed(ink, step))
            .find(|colour| colour.contrast(ground) >= contrast)
            .unwrap_or(ink)
    }

    /// As many parts of `other` as `step` says, the rest this colour.
    fn mixed(self, other: Self, step: u16) -> Self {
        let mix = |own: u8, others: u8| {
            let sum = u16::from(own) * (STEPS - step) + u16::from(others) * step;
            u8::try_from(sum / STEPS).unwrap_or(u8::MAX)
        };
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// How bright it is, from 0 to 1 (WCAG 2.2, "relative luminance").
    fn luminance(self) -> f64 {
        let linear = |part: u8| {
            let part = f64::from(part) / 255.0;
            match part <= 0.040_45 {
                true => part / 12.92,
                false => ((part + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

impl FromStr for Colour {
    type Err = InvalidColour;

    fn from_str(text: &str) -> Result<Self, InvalidColour> {
        let digits = text.strip_prefix('#').ok_or(InvalidColour)?;
        // A sign would be a number too.
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(InvalidColour);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| InvalidColour)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self { red, green, blue })
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { red, green, blue } = self;
        write!(formatter, "#{red:02x}{green:02x}{blue:02x}")
    }
}

/// In how many steps a colour goes to black or white.
const STEPS: u16 = 40;
