# SPDX-License-Identifier: Apache-2.0
"""Finds where in a recording the reference is, also when its delay changes on the way.

A jitter buffer moves its delay, which STOI would take for damage although nobody hears it. So the recording
is cut into pieces of 400 ms, the delay of each is found by cross-correlation near the delay of the whole,
and the path through these delays that changes least is taken. Another text or noise has no such path: its
pieces correlate with nothing, and its score stays low (speech.py self-test).
"""
import numpy as np
from scipy.signal import correlate

from stoi import to_rate

RATE = 10000
PIECE = 4000
HOP = 2000
REACH = 4000  # how far a piece may be from the delay of the whole: 400 ms
BIN = 10      # delays are told apart by 1 ms on the path, and refined inside
JUMP_COST = 0.02  # correlation lost for each millisecond of change


def whole_delay(reference, degraded):
    """Samples by which degraded is behind reference, at any distance."""
    product = correlate(degraded, reference, mode="full", method="fft")
    return int(np.argmax(np.abs(product))) - (len(reference) - 1)


def cut(samples, start, count):
    """samples[start:start + count] with zeros outside."""
    out = np.zeros(count)
    low = max(start, 0)
    high = min(start + count, len(samples))
    if high > low:
        out[low - start:high - start] = samples[low:high]
    return out


def piece_scores(reference, degraded, start, delay):
    """For each shift -REACH..REACH: normalised correlation of one piece."""
    piece = cut(reference, start, PIECE)
    place = cut(degraded, start + delay - REACH, PIECE + 2 * REACH)
    product = correlate(place, piece, mode="valid", method="fft")
    energy = np.cumsum(np.concatenate([[0.0], place ** 2]))
    energy = energy[PIECE:] - energy[:-PIECE]
    floor = 1e-3 * PIECE * np.mean(reference ** 2) + 1e-12
    return product / np.sqrt((np.sum(piece ** 2) + floor) * (energy + floor))


def least_changing_path(scores):
    """scores: pieces x bins. The bin of each piece; dynamic programming over the cost of changes."""
    bins = np.arange(scores.shape[1])
    change = JUMP_COST * np.minimum(np.abs(bins[:, None] - bins[None, :]), 100)
    best = scores[0]
    came_from = []
    for row in scores[1:]:
        options = best[None, :] - change
        origin = np.argmax(options, axis=1)
        came_from.append(origin)
        best = row + options[bins, origin]
    path = [int(np.argmax(best))]
    for origin in reversed(came_from):
        path.append(int(origin[path[-1]]))
    return path[::-1]


def delays(reference, degraded, rate):
    """Delay in seconds of each piece, and the time of its middle in the reference."""
    x = to_rate(reference, rate, RATE)
    y = to_rate(degraded, rate, RATE)
    whole = whole_delay(x, y)
    starts = np.arange(0, max(len(x) - PIECE, 1), HOP)
    scores = np.array([piece_scores(x, y, start, whole) for start in starts])
    count = scores.shape[1] // BIN
    binned = scores[:, :count * BIN].reshape(len(starts), count, BIN)
    path = least_changing_path(binned.max(axis=2))
    fine = [bin_ * BIN + int(np.argmax(binned[i, bin_])) for i, bin_ in enumerate(path)]
    found = (whole + np.array(fine) - REACH) / RATE
    return (starts + PIECE / 2) / RATE, found


def align(reference, degraded, rate):
    """degraded put back to the times of the reference, and the delay of each piece in seconds."""
    middles, found = delays(reference, degraded, rate)
    piece = PIECE * rate // RATE
    window = np.hanning(piece + 2)[1:-1]
    out = np.zeros(len(reference) + piece)
    weight = np.full(len(out), 1e-6)
    for middle, delay in zip(middles, found):
        start = int(round(middle * rate)) - piece // 2
        at = max(start, 0)
        out[at:at + piece] += window * cut(degraded, at + int(round(delay * rate)), piece)
        weight[at:at + piece] += window
    return (out / weight)[:len(reference)], middles, found
