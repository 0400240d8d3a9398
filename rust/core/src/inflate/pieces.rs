//! Decoding a stream that is too long to be held in memory, or holding it against its content, piece by
//! piece.

use super::bits::Bits;
use super::content::{Content, Known, Unknown};
use super::fast::{Block, Decoder, INPUT_SLACK, stored};
use super::table::Unusual;
use super::turns::Stop;

/// How far back a match may reach (RFC 1951, section 2).
pub(crate) const HISTORY: usize = 32 << 10;
/// More than the header of a block can have: 17 bits, three for each of 19 lengths, and for each of 316 a
/// code and extra bits of seven each.
const HEADER: usize = 640;

/// A stream that is decoded in pieces by the fast decoder.
pub(crate) struct Pieces<'a> {
    decoder: &'a mut Decoder,
    within: Within,
    /// The block is the last one.
    last: bool,
    /// The rest of a byte, and how many bits it is.
    bits: u64,
    count: u32,
}

/// What is decoded next.
#[derive(Clone, Copy)]
enum Within {
    Header,
    Coded(Block),
    /// A stored block of which so many bytes are left.
    Stored(usize),
    /// Nothing: the stream has ended.
    End,
}

/// What a step has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The next bytes of the stream, behind those that have not been taken.
    Input,
    /// Room: what is in it is to be used, and at most its last [`HISTORY`] bytes to be kept.
    Room,
    /// Nothing: the stream has ended.
    Nothing,
}

/// What a step has taken of the input, where in the room the content ends now, and what it needs.
pub(crate) struct Taken {
    pub read: usize,
    pub at: usize,
    pub need: Need,
}

impl<'a> Pieces<'a> {
    /// Begins a stream.
    pub(super) fn new(decoder: &'a mut Decoder) -> Pieces<'a> {
        Pieces { decoder, within: Within::Header, last: false, bits: 0, count: 0 }
    }

    /// Goes on with the stream, of which `input` has the next `len` bytes, and `room` the content so far, up
    /// to `at`: [`HISTORY`] bytes of it, or all where there is less.  Without `more` the stream ends there, and
    /// [`INPUT_SLACK`] bytes follow; with it nothing does.  None where only zlib can say what is wrong.
    pub(crate) fn step(
        &mut self,
        (input, len): (&[u8], usize),
        more: bool,
        room: &mut [u8],
        at: usize,
    ) -> Option<Taken> {
        self.go_on((input, len), more, &mut Unknown(room), at).ok()
    }

    /// Goes on as [`Pieces::step`] does, and holds the stream against what `room` has from `at` on already:
    /// None also where that is something else.  At the end of the content [`super::OUTPUT_SLACK`] bytes of anything
    /// follow in the room.
    pub(crate) fn hold(
        &mut self,
        (input, len): (&[u8], usize),
        more: bool,
        room: &[u8],
        at: usize,
    ) -> Option<Taken> {
        self.go_on((input, len), more, &mut Known(room), at).ok()
    }

    fn go_on(
        &mut self,
        (input, len): (&[u8], usize),
        more: bool,
        content: &mut impl Content,
        mut at: usize,
    ) -> Result<Taken, Unusual> {
        debug_assert!(input.len() == len + if more { 0 } else { INPUT_SLACK });
        let mut bits = Bits::new(input, len);
        (bits.bits, bits.count) = (self.bits, self.count);
        let need = loop {
            match self.within {
                Within::Header if self.last => self.within = Within::End,
                Within::Header if more && input.len() - bits.at < HEADER => break Need::Input,
                Within::Header => {
                    let block;
                    (block, self.last) = self.decoder.header(&mut bits)?;
                    self.within = match block {
                        Block::Stored => Within::Stored(stored(&mut bits)?),
                        coded => Within::Coded(coded),
                    };
                }
                Within::Coded(block) => {
                    let Some(tables) = self.decoder.tables(block) else { return Err(Unusual) };
                    let stop;
                    (stop, at) = content.turns(tables, &mut bits, at)?;
                    match stop {
                        Stop::Block => self.within = Within::Header,
                        Stop::Input => break Need::Input,
                        Stop::Output => break Need::Room,
                    }
                }
                Within::Stored(0) => self.within = Within::Header,
                Within::Stored(left) => {
                    let most = content.len() - at;
                    let n = left.min(most).min(len.saturating_sub(bits.at));
                    if n == 0 {
                        break if most == 0 { Need::Room } else { Need::Input };
                    }
                    content.stored(bits.bytes(n)?, at)?;
                    at += n;
                    self.within = Within::Stored(left - n);
                }
                Within::End => break Need::Nothing,
            }
        };
        if bits.overrun() || (need == Need::Input && !more) {
            return Err(Unusual);
        }
        bits.give_back();
        (self.bits, self.count) = (bits.bits, bits.count);
        Ok(Taken { read: bits.at, at, need })
    }
}

#[cfg(any(test, fuzzing))]
impl super::Inflater {
    /// What the fast decoder makes of a stream in pieces, of which `input` bytes come at a time and `output`
    /// fit.
    pub fn fast_in_pieces(
        &mut self,
        stream: &[u8],
        size: usize,
        input: usize,
        output: usize,
    ) -> Option<Vec<u8>> {
        let (mut pieces, _) = self.begin(size as u64);
        let mut room = vec![0; HISTORY + output + super::OUTPUT_SLACK];
        let (mut content, mut at) = (Vec::new(), 0);
        let (mut start, mut end) = (0, input.min(stream.len()));
        while content.len() <= size {
            let more = end < stream.len();
            let slack = if more { 0 } else { INPUT_SLACK };
            let padded = [&stream[start..end], &[0; INPUT_SLACK][..slack]].concat();
            let from = at;
            let taken = pieces.step((&padded, end - start), more, &mut room, at)?;
            start += taken.read;
            at = taken.at;
            content.extend_from_slice(&room[from..at]);
            match taken.need {
                Need::Input => end = (end + input).min(stream.len()),
                Need::Room => {
                    room.copy_within(at - HISTORY..at, 0);
                    at = HISTORY;
                }
                Need::Nothing => return (content.len() == size).then_some(content),
            }
        }
        None
    }

    /// Whether the fast decoder finds this content in a stream, of which `input` bytes come at a time and about
    /// `output` of the content.
    pub fn is_content_in_pieces(
        &mut self,
        stream: &[u8],
        content: &[u8],
        input: usize,
        output: usize,
    ) -> bool {
        let (mut pieces, _) = self.begin(content.len() as u64);
        let padded = [content, &[0x55; super::OUTPUT_SLACK]].concat();
        // There is always room for a turn.
        let output = output + super::OUTPUT_SLACK;
        let (mut kept, mut shown) = (0, output.min(content.len()));
        let (mut start, mut end) = (0, input.min(stream.len()));
        let mut at = 0;
        while at <= content.len() {
            let more = end < stream.len();
            let slack = if more { 0 } else { INPUT_SLACK };
            let behind = if shown == content.len() { super::OUTPUT_SLACK } else { 0 };
            let window = [&stream[start..end], &[0; INPUT_SLACK][..slack]].concat();
            let room = &padded[kept..shown + behind];
            let Some(taken) = pieces.hold((&window, end - start), more, room, at - kept) else { break };
            start += taken.read;
            at = kept + taken.at;
            match taken.need {
                Need::Input => end = (end + input).min(stream.len()),
                Need::Room => {
                    kept = at.saturating_sub(HISTORY);
                    shown = (at + output).min(content.len());
                }
                Need::Nothing => return at == content.len(),
            }
        }
        false
    }
}
