# SPDX-License-Identifier: Apache-2.0
"""Short-time objective intelligibility (Taal, Hendriks, Heusdens, Jensen, IEEE TASLP 19(7), 2011).

1 is as intelligible as the reference, 0 is nothing in common. Constants and names are the paper's.
"""
import numpy as np
from scipy.signal import resample_poly

RATE = 10000
FRAME = 256
HOP = 128
FFT = 512
BANDS = 15
LOWEST_HZ = 150
SEGMENT = 30  # frames: 384 ms
BETA_DB = -15
DYNAMIC_RANGE_DB = 40
EPSILON = np.finfo(float).eps


def to_rate(samples, rate, wanted=RATE):
    """Resamples; identity if the rate is the wanted one."""
    if rate == wanted:
        return samples
    step = np.gcd(rate, wanted)
    return resample_poly(samples, wanted // step, rate // step)


def third_octave_bands():
    """For each band, which bins of the spectrum it adds up."""
    frequencies = np.linspace(0, RATE, FFT + 1)[: FFT // 2 + 1]
    centres = LOWEST_HZ * 2.0 ** (np.arange(BANDS) / 3)
    matrix = np.zeros((BANDS, len(frequencies)))
    for band, centre in enumerate(centres):
        low = np.argmin((frequencies - centre * 2 ** (-1 / 6)) ** 2)
        high = np.argmin((frequencies - centre * 2 ** (1 / 6)) ** 2)
        matrix[band, low:high] = 1
    return matrix


def frames_of(samples):
    window = np.hanning(FRAME + 2)[1:-1]
    starts = np.arange(0, len(samples) - FRAME, HOP)
    return np.array([samples[start:start + FRAME] * window for start in starts])


def drop_silence(reference, degraded):
    """Leaves out, in both, the frames in which the reference is silent."""
    x = frames_of(reference)
    y = frames_of(degraded)
    energy = 20 * np.log10(np.linalg.norm(x, axis=1) + EPSILON)
    keep = energy > energy.max() - DYNAMIC_RANGE_DB
    return overlap_add(x[keep]), overlap_add(y[keep])


def overlap_add(frames):
    out = np.zeros((len(frames) - 1) * HOP + FRAME if len(frames) else 0)
    for i, frame in enumerate(frames):
        out[i * HOP:i * HOP + FRAME] += frame
    return out


def band_envelopes(samples, bands):
    spectrum = np.fft.rfft(frames_of(samples), FFT)
    return np.sqrt(bands @ (np.abs(spectrum) ** 2).T)


def normalise(rows):
    rows = rows - rows.mean(axis=-1, keepdims=True)
    return rows / (np.linalg.norm(rows, axis=-1, keepdims=True) + EPSILON)


def stoi(reference, degraded, rate):
    """Both of one length, aligned, mono floats. 0 if there is less than a segment of speech."""
    x, y = drop_silence(to_rate(reference, rate), to_rate(degraded, rate))
    bands = third_octave_bands()
    if len(x) <= FRAME + SEGMENT * HOP:
        return 0.0
    x = band_envelopes(x, bands)
    y = band_envelopes(y, bands)
    clip = 1 + 10 ** (-BETA_DB / 20)
    scores = []
    for end in range(SEGMENT, x.shape[1] + 1):
        a = x[:, end - SEGMENT:end]
        b = y[:, end - SEGMENT:end]
        scale = np.linalg.norm(a, axis=1, keepdims=True) / (
            np.linalg.norm(b, axis=1, keepdims=True) + EPSILON)
        b = np.minimum(b * scale, a * clip)
        scores.append(np.sum(normalise(a) * normalise(b)) / BANDS)
    return float(np.mean(scores))
