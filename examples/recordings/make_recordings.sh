#!/bin/sh
# Makes the recordings of this directory: two voices by espeak-ng, a guitar and bells by SoX. Nothing is recorded.
# Needs: espeak-ng and sox (with FLAC and Ogg Vorbis). -R makes SoX's noise and dither repeatable.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# say OUT RATE PAUSE VOICE... TEXT: a voice without the silence around it, then a pause before it and 0.3 s after it.
say() {
    out=$1 rate=$2 pause=$3
    shift 3
    espeak-ng -w "$work/said.wav" "$@"
    sox -R "$work/said.wav" -r "$rate" "$work/trimmed.wav" \
        gain -3 highpass 80 silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse
    sox -R "$work/trimmed.wav" -b 16 "$out" fade q 0.01 -0 0.05 norm -9 pad "$pause" 0.3
}

# strum OUT GAIN: reads lines of start, note and length, and sums them to one mono track of 6.8 s.
strum() {
    sox -R -n -r 44100 -c 1 -b 24 "$work/strings.wav" trim 0 6.8
    while read -r start note length; do
        sox -R -n -r 44100 -c 1 -b 24 "$work/note.wav" \
            synth "$length" pluck "$note" gain -14 highpass 60 lowpass 2800 fade l 0.006 "$length" "$length" pad "$start"
        sox -R -m -v 1 "$work/strings.wav" -v 1 "$work/note.wav" "$work/sum.wav" trim 0 6.8
        mv "$work/sum.wav" "$work/strings.wav"
    done
    sox -R "$work/strings.wav" "$1" lowpass 4000 gain "$2"
}

# bell OUT FREQ: the partials of a church bell, the low ones ringing longer.
bell() {
    set -- "$1" "$2" "$work/partial"
    rm -f "$3".*
    while read -r ratio level length; do
        freq=$(awk "BEGIN { printf \"%.2f\", $2 * $ratio }")
        sox -R -n -r 48000 -c 1 -b 24 "$3.$ratio.wav" \
            synth "$length" sine "$freq" fade l 0.002 "$length" "$length" gain "$level" pad 0 1
    done <<PARTIALS
0.5 -14 3.6
1.0 -10 3.0
1.183 -13 2.4
1.506 -20 1.8
2.0 -12 2.2
2.514 -22 1.2
2.662 -23 1.0
3.011 -20 0.9
4.166 -25 0.5
PARTIALS
    sox -R -m "$3".*.wav "$1" gain 12
}

say speech.wav 16000 0.4 -v en-gb -s 155 -p 42 \
    "Good evening, this is the night train. Mind the gap, find a window, and let the music play."

say guest.wav 22050 0.2 -v en-us+f3 -s 165 -p 60 \
    "Thank you! Is the dining car still open? I would love a cup of tea."

# A minor, F, C and G, a bass note and three above it each, and home to A minor.
strum "$work/low.wav" -2 <<NOTES
0.05 A2 2.0
1.45 F2 2.0
2.85 C3 2.0
4.25 G2 1.6
5.65 A2 1.1
NOTES
strum "$work/high.wav" 0 <<NOTES
0.40 E3 1.5
0.75 A3 1.5
1.10 C4 1.5
1.80 F3 1.5
2.15 A3 1.5
2.50 C4 1.5
3.20 G3 1.5
3.55 C4 1.5
3.90 E4 1.5
4.60 G3 1.5
4.95 B3 1.5
5.30 D4 1.5
5.65 E3 1.1
5.68 A3 1.1
5.71 C4 1.1
NOTES
# The bass left, the melody right, each a little on the other side too.
sox -R -M "$work/low.wav" "$work/high.wav" "$work/music.wav" remix -m 1v0.8,2v0.35 1v0.35,2v0.8
sox -R "$work/music.wav" -b 16 music.flac gain -6 reverb 30 50 60 trim 0 6.8 highpass 40 fade q 0.005 -0 0.35 norm -11

# Three bells over rain.
bell "$work/e.wav" 659.26
bell "$work/c.wav" 523.25
bell "$work/g.wav" 392.00
sox -R -M \
    "|sox -R -m -v 1 $work/e.wav -v 0.7 '|sox $work/c.wav -p pad 1.4' -v 0.35 '|sox $work/g.wav -p pad 2.8' -p" \
    "|sox -R -m -v 0.35 $work/e.wav -v 0.7 '|sox $work/c.wav -p pad 1.4' -v 1 '|sox $work/g.wav -p pad 2.8' -p" \
    "$work/bells.wav"
sox -R -n -r 48000 -c 2 -b 24 "$work/rain.wav" \
    synth 6.4 pinknoise synth pinknoise amod 0.3 60 highpass 600 lowpass 9000 gain -34
sox -R -m -v 1 "$work/bells.wav" -v 1 "$work/rain.wav" "$work/weather.wav" trim 0 6.4
sox -R "$work/weather.wav" -C 4 bells.ogg highpass 40 fade q 0.02 -0 0.6 norm -13
