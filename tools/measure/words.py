# SPDX-License-Identifier: Apache-2.0
"""Speech with a known text: made by espeak-ng, recognised by pocketsphinx.

The words of the radio alphabet, in sentences of eight, with a grammar of exactly eight: on clean speech this
makes no errors, so that every error is one of the path under test.
"""
import os
import random
import re
import subprocess
import tempfile
import wave

import numpy as np

from stoi import to_rate

WORDS = ("alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar "
         "papa quebec romeo sierra tango uniform victor whiskey x-ray yankee zulu").split()
SENTENCE = 8
PAUSE_S = 0.8
NOISE = 0.002  # the recogniser's model of silence wants a little noise
MODEL = "/usr/share/pocketsphinx/model/en-us"


def read_wav(path):
    """Mono floats and the rate; 16-bit or float files."""
    with open(path, "rb") as file:
        data = file.read()
    return parse_wav(data)


def parse_wav(data):
    at = 12
    form = None
    while at + 8 <= len(data):
        name, size = data[at:at + 4], int.from_bytes(data[at + 4:at + 8], "little")
        body = data[at + 8:at + 8 + size]
        if name == b"fmt ":
            form = body
        if name == b"data":
            break
        at += 8 + size + size % 2
    else:
        raise ValueError("no data in this WAV file")
    channels = int.from_bytes(form[2:4], "little")
    rate = int.from_bytes(form[4:8], "little")
    bits = int.from_bytes(form[14:16], "little")
    body = body[:len(body) - len(body) % (channels * bits // 8)]
    if bits == 32:
        samples = np.frombuffer(body, "<f4").astype(float)
    else:
        samples = np.frombuffer(body, "<i2") / 32768.0
    return samples.reshape(-1, channels).mean(axis=1), rate


def write_wav(path, samples, rate):
    with wave.open(path, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def say(text):
    """The text as mono floats at 22,050 Hz."""
    wav = subprocess.run(["espeak-ng", "-v", "en-us", "-g", "10", "-s", "130", "--stdout", text],
                         check=True, capture_output=True).stdout
    # To a pipe espeak-ng writes a header of unknown length.
    start = wav.index(b"data") + 8
    return np.frombuffer(wav[start:len(wav) - (len(wav) - start) % 2], "<i2") / 32768.0, 22050


def pink_noise(count, generator):
    spectrum = np.fft.rfft(generator.standard_normal(count))
    spectrum[1:] /= np.sqrt(np.arange(1, len(spectrum)))
    noise = np.fft.irfft(spectrum, count)
    return noise / np.max(np.abs(noise))


def make_speech(seed, count, rate):
    """Samples, and the sentences as {words, start, end} with times in seconds."""
    choose = random.Random(seed)
    parts = [np.zeros(int(PAUSE_S * rate))]
    sentences = []
    at = len(parts[0])
    for first in range(0, count, SENTENCE):
        words = [choose.choice(WORDS) for _ in range(min(SENTENCE, count - first))]
        spoken, spoken_rate = say(" ".join(words).replace("x-ray", "x ray"))
        spoken = to_rate(spoken, spoken_rate, rate) * 0.5
        sentences.append({"words": words, "start": at / rate, "end": (at + len(spoken)) / rate})
        parts += [spoken, np.zeros(int(PAUSE_S * rate))]
        at += len(parts[-2]) + len(parts[-1])
    samples = np.concatenate(parts)
    noise = pink_noise(len(samples), np.random.default_rng(seed))
    return samples + NOISE * noise, sentences


def write_grammar(path, count):
    with open(path, "w", encoding="ascii") as out:
        out.write("#JSGF V1.0;\ngrammar words;\n<word> = " + " | ".join(WORDS) + ";\n")
        out.write("public <sentence> = " + " ".join(["<word>"] * count) + ";\n")


def recognise(samples, rate, sentences):
    """What is heard at the times of the sentences: a list of words for each."""
    samples = to_rate(samples, rate, 16000)
    heard = [[] for _ in sentences]
    with tempfile.TemporaryDirectory() as folder:
        for count in {len(sentence["words"]) for sentence in sentences}:
            chosen = [i for i, s in enumerate(sentences) if len(s["words"]) == count]
            for i in chosen:
                start = max(0, int((sentences[i]["start"] - 0.3) * 16000))
                end = int((sentences[i]["end"] + 0.3) * 16000)
                write_wav(f"{folder}/{i}.wav", samples[start:end], 16000)
            for i, words in run_recogniser(folder, chosen, count).items():
                heard[i] = words
    return heard


def run_recogniser(folder, chosen, count):
    write_grammar(f"{folder}/words.gram", count)
    with open(f"{folder}/list", "w", encoding="ascii") as out:
        out.writelines(f"{i}\n" for i in chosen)
    subprocess.run(
        ["pocketsphinx_batch", "-hmm", f"{MODEL}/en-us", "-dict", f"{MODEL}/cmudict-en-us.dict",
         "-jsgf", f"{folder}/words.gram", "-ctl", f"{folder}/list", "-cepdir", folder,
         "-cepext", ".wav", "-adcin", "yes", "-adchdr", "44", "-hyp", f"{folder}/heard",
         "-remove_noise", "no", "-beam", "1e-120", "-wbeam", "1e-80", "-pbeam", "1e-120"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    heard = {}
    if os.path.exists(f"{folder}/heard"):
        with open(f"{folder}/heard", encoding="ascii") as lines:
            for line in lines:
                match = re.match(r"(.*)\((\d+) [-0-9]+\)$", line.strip())
                if match:
                    heard[int(match[2])] = match[1].split()
    return heard


def word_errors(said, heard):
    """The least number of words to replace, insert or leave out (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        previous, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (word != other))
    return row[-1]
