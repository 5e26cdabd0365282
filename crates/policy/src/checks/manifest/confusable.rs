//! Characters that look like ASCII letters, or like nothing at all.

/// The key as a reader sees it: without invisible characters and white space, and with ASCII letters in
/// place of those that look the same. `None` when the key is plain ASCII without white space.
pub(crate) fn skeleton(key: &str) -> Option<String> {
    if key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    Some(key.chars().filter(|char| !is_invisible(*char)).map(look).collect())
}

fn is_invisible(char: char) -> bool {
    char.is_whitespace()
        || char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{300}'..='\u{36f}' | '\u{e0000}'..='\u{e0fff}')
}

/// The ASCII letter or digit that a character looks like, or the character itself.
fn look(char: char) -> char {
    match char {
        // Fullwidth forms.
        '\u{ff01}'..='\u{ff5e}' => ascii(char as u32 - 0xff01 + 0x21),
        // Mathematical letters: alphabets of 52, one after the other.
        '\u{1d400}'..='\u{1d6a3}' => letter((char as u32 - 0x1d400) % 52),
        '\u{1d7ce}'..='\u{1d7ff}' => ascii((char as u32 - 0x1d7ce) % 10 + 0x30),
        // Circled letters.
        '\u{24b6}'..='\u{24e9}' => letter(char as u32 - 0x24b6),
        _ => TWINS.iter().find(|(_, twins)| twins.contains(char)).map_or(char, |(ascii, _)| *ascii),
    }
}

fn letter(index: u32) -> char {
    ascii(if index < 26 { 0x41 + index } else { 0x61 + index - 26 })
}

fn ascii(code: u32) -> char {
    char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Cyrillic, Greek, Armenian, Cherokee and Latin letters that look like an ASCII one.
const TWINS: &[(char, &str)] = &[
    ('a', "аαɑ"),
    ('b', "Ьƅ"),
    ('c', "сϲⅽ"),
    ('d', "ԁⅾ"),
    ('e', "еҽℯ"),
    ('f', "ƒ"),
    ('g', "ɡց"),
    ('h', "һհℎ"),
    ('i', "іιıⅰ"),
    ('j', "јϳ"),
    ('k', "κк"),
    ('l', "ӏⅼ"),
    ('m', "мⅿ"),
    ('n', "ոռп"),
    ('o', "оοօ"),
    ('p', "рρ"),
    ('q', "ԛզ"),
    ('r', "гⲅ"),
    ('s', "ѕꜱſ"),
    ('t', "т"),
    ('u', "υսц"),
    ('v', "νѵⅴ"),
    ('w', "ԝաѡ"),
    ('x', "хχⅹ"),
    ('y', "уγү"),
    ('z', "ᴢ"),
    ('A', "АΑᎪ"),
    ('B', "ВΒᏴ"),
    ('C', "СϹⅭᏟ"),
    ('D', "ⅮᎠ"),
    ('E', "ЕΕᎬ"),
    ('F', "Ϝ"),
    ('G', "ԌᏀ"),
    ('H', "НΗᎻ"),
    ('I', "ІΙⅠӀ"),
    ('J', "ЈᎫ"),
    ('K', "КΚ\u{212a}"),
    ('L', "ⅬᏞ"),
    ('M', "МΜⅯ"),
    ('N', "Ν"),
    ('O', "ОΟՕ"),
    ('P', "РΡᏢ"),
    ('R', "Ꭱ"),
    ('S', "ЅՏᏚ"),
    ('T', "ТΤᎢ"),
    ('U', "Սᑌ"),
    ('V', "ⅤᏙ"),
    ('W', "ԜᎳ"),
    ('X', "ХΧⅩ"),
    ('Y', "ΥҮ"),
    ('Z', "ΖᏃ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_become_what_they_look_like() {
        for key in [
            "h\u{43e}stNetw\u{43e}rk",
            "host\u{200b}Network",
            "host\u{ad}Network",
            " hostNetwork",
            "hostNetwork\u{a0}",
            "\u{ff48}ostNetwork",
            "\u{1d421}ostNetwork",
            "hostΝetwork",
            "hοstNetwοrk",
            "host\u{202e}Network",
        ] {
            assert_eq!(skeleton(key).as_deref(), Some("hostNetwork"), "{key:?}");
        }
        assert_eq!(skeleton("hostNetwork"), None);
        assert_ne!(skeleton("größe").as_deref(), Some("grobe"));
    }
}
