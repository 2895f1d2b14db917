/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target without a fuzzer, as a test: every seed as it is, every truncation of it, and a fixed
 * number of deterministic mutations (bit flips, byte sets, splices, repeats). The same target is linked to
 * libFuzzer with -Dfuzz=true.
 *
 *	driver SEED-DIRECTORY
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_LEN_MAX	   (1u << 20)
#define TRUNCATIONS_MAX	   2048
#define MUTATIONS_PER_SEED 2000
#define SEEDS_MAX	   4096

static uint64_t prng_state;

/* xorshift64*: any fixed sequence does. */
static uint64_t prng_next(void)
{
	prng_state ^= prng_state >> 12;
	prng_state ^= prng_state << 25;
	prng_state ^= prng_state >> 27;
	return prng_state * UINT64_C(2685821657736338717);
}

static size_t prng_below(size_t limit)
{
	return limit == 0 ? 0 : (size_t)(prng_next() % limit);
}

/* Each input lies in memory of its own exact length, so that a sanitizer sees every overread. */
static void run_one(const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len == 0 ? 1 : len);

	if (copy == NULL)
		abort();
	if (len != 0)
		memcpy(copy, data, len);
	(void)LLVMFuzzerTestOneInput(copy, len);
	free(copy);
}

static size_t mutate(uint8_t *data, size_t len)
{
	size_t at = prng_below(len);
	size_t to = prng_below(len);
	size_t part = prng_below(32);

	if (len == 0)
		return 0;
	switch (prng_below(6)) {
	case 0:
		data[at] ^= (uint8_t)(1u << prng_below(8));
		return len;
	case 1:
		data[at] = (uint8_t)prng_next();
		return len;
	case 2:
		data[at] = prng_below(2) != 0 ? 0xff : 0;
		return len;
	case 3: /* take a part out */
		if (at + part >= len)
			return at;
		memmove(data + at, data + at + part, len - at - part);
		return len - part;
	case 4: /* write a part over another */
		if (at + part >= len || to + part >= len)
			return len;
		memmove(data + to, data + at, part);
		return len;
	default: /* repeat a part */
		if (at + part > len || len + part > INPUT_LEN_MAX)
			return len;
		memmove(data + at + part, data + at, len - at);
		return len + part;
	}
}

static void run_seed(const uint8_t *seed, size_t len)
{
	uint8_t *work = malloc(INPUT_LEN_MAX);
	size_t step = len / TRUNCATIONS_MAX + 1;

	if (work == NULL)
		abort();
	run_one(seed, len);
	for (size_t cut = 0; cut < len; cut += step)
		run_one(seed, cut);
	for (size_t i = 0; i < MUTATIONS_PER_SEED; i++) {
		size_t work_len = len;
		size_t rounds = 1 + prng_below(4);

		memcpy(work, seed, len);
		while (rounds-- > 0)
			work_len = mutate(work, work_len);
		run_one(work, work_len);
	}
	free(work);
}

static bool run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *seed = malloc(INPUT_LEN_MAX);
	size_t len;

	if (file == NULL || seed == NULL) {
		free(seed);
		if (file != NULL)
			fclose(file);
		return false;
	}
	len = fread(seed, 1, INPUT_LEN_MAX, file);
	fclose(file);
	run_seed(seed, len);
	free(seed);
	return true;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count;
	bool good = true;

	if (argc != 2) {
		fprintf(stderr, "usage: %s SEED-DIRECTORY\n", argv[0]);
		return 2;
	}
	prng_state = UINT64_C(0x5eed5eed5eed5eed);
	count = scandir(argv[1], &entries, visible, alphasort);
	if (count <= 0 || count > SEEDS_MAX) {
		fprintf(stderr, "%s: no seeds, or too many\n", argv[1]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
		if (!run_file(path)) {
			fprintf(stderr, "%s: cannot be read\n", path);
			good = false;
		}
		free(entries[i]);
	}
	free(entries);
	printf("%d seeds, each with its truncations and %d mutations\n", count, MUTATIONS_PER_SEED);
	return good ? 0 : 1;
}
