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

    /// This colour, or its opposite if it is black or white, or nearly, and so is `ground`.
    pub fn apart_from(self, ground: Self) -> Self {
        let parts = [self.red, self.green, self.blue];
        let most = parts.into_iter().max().unwrap_or_default();
        let least = parts.into_iter().min().unwrap_or_default();
        match most - least < 16 && self.contrast(ground) < 1.5 {
            true => ground.ink(),
            false => self,
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours from all over the cube.
    fn colours() -> impl Iterator<Item = Colour> {
        let parts = || (0..=u8::MAX).step_by(15);
        parts().flat_map(move |red| {
            parts().flat_map(move |green| parts().map(move |blue| Colour::new(red, green, blue)))
        })
    }

    #[test]
    fn a_colour_is_what_an_operator_writes_in_a_style_sheet() {
        assert_eq!("#0a6A5c".parse(), Ok(Colour::new(10, 106, 92)));
        assert_eq!(Colour::new(10, 106, 92).to_string(), "#0a6a5c");
        for text in [
            "", "#", "0a6a5c", "#0a6a5", "#0a6a5cf", "#+a6a5c", "#0a6a5g", "#0ä6a5", "teal",
            "#0a6a5c ", "#000}*{x",
        ] {
            assert_eq!(text.parse::<Colour>(), Err(InvalidColour), "{text}");
        }
    }

    /// WCAG 2.2: the examples that everybody has.
    #[test]
    fn contrast_is_that_of_wcag() {
        let close = |one: f64, two: f64| (one - two).abs() < 0.01;
        assert!(close(Colour::BLACK.contrast(Colour::WHITE), 21.0));
        assert!(close(
            Colour::new(0x76, 0x76, 0x76).contrast(Colour::WHITE),
            4.54
        ));
        assert!(close(Colour::WHITE.contrast(Colour::new(255, 0, 0)), 4.0));
    }

    /// WCAG 2.2, success criterion 1.4.3.
    #[test]
    fn text_on_every_colour_can_be_read() {
        for colour in colours() {
            assert!(colour.contrast(colour.ink()) >= 4.5, "{colour}");
        }
    }

    /// WCAG 2.2, success criteria 1.4.3 and 1.4.11.
    #[test]
    fn every_colour_can_be_seen_on_every_ground() {
        for ground in [Colour::WHITE, Colour::BLACK, Colour::new(0x1b, 0x1e, 0x22)] {
            for colour in colours() {
                let seen = colour.visible_on(ground, 5.5);
                assert!(seen.contrast(ground) >= 5.5, "{colour} on {ground}");
                if colour.contrast(ground) >= 5.5 {
                    assert_eq!(seen, colour);
                }
            }
        }
    }

    #[test]
    fn a_brand_that_is_black_or_white_is_turned_over_on_the_same_ground() {
        let dark = Colour::new(0x1b, 0x1e, 0x22);
        assert_eq!(Colour::BLACK.apart_from(dark), Colour::WHITE);
        assert_eq!(Colour::WHITE.apart_from(Colour::WHITE), Colour::BLACK);
        assert_eq!(Colour::BLACK.apart_from(Colour::WHITE), Colour::BLACK);
        let navy = Colour::new(0, 0, 0x80);
        assert_eq!(navy.apart_from(dark), navy);
    }
}
