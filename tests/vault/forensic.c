/* SPDX-License-Identifier: Apache-2.0 */
/* Looking for erased words in the files of a vault. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/vault/forensic.h"
#include "vault/state.h"
#include "vault/tree.h"

#define FILES	   4
#define WINDOW_LEN 8
#define STEPS	   4 /* of keys in a trail */

/* ---- What is there, as the vault shows it ---- */

struct look {
	struct forensic *forensic;
	struct vault *vault;
	struct vault_head head;
	size_t found;
};

/* The key that a node holds at this place, by the key that the node is sealed with. */
static void node_key(struct vault *vault, enum vault_domain domain, unsigned int level,
		     uint64_t number, const uint8_t *key, uint64_t entry, uint8_t *out)
{
	struct vault_place place = {.kind = VAULT_SEALED_NODE,
				    .table = (uint8_t)domain,
				    .class = (uint8_t)level,
				    .index = number};
	uint8_t sealed[VAULT_NODE_KEYS * VAULT_KEY_LEN + VAULT_SEAL_LEN];
	uint8_t keys[VAULT_NODE_KEYS * VAULT_KEY_LEN];
	enum sotto_err err = vault_database_get_node(&vault->database, domain, level, number,
						     sealed, sizeof(sealed));

	ASSERT(err == SOTTO_OK);
	err = vault_unseal(key, &place, BYTES_OF(sealed), keys);
	ASSERT(err == SOTTO_OK);
	memcpy(out, keys + entry * VAULT_KEY_LEN, VAULT_KEY_LEN);
}

static void trail_keys(struct vault *vault, const struct vault_head *head,
		       struct forensic_trail *trail)
{
	enum vault_domain domain = vault_domain_of(head->table);

	memcpy(trail->keys[0], vault->keys->domain[domain].erasure, VAULT_KEY_LEN);
	for (unsigned int level = 0; level < VAULT_LEVELS; level++) {
		unsigned int bits = 6 * (VAULT_LEVELS - level);

		node_key(vault, domain, level, head->slot >> bits, trail->keys[level],
			 (head->slot >> (bits - 6)) % VAULT_NODE_KEYS, trail->keys[level + 1]);
	}
}

static const uint8_t *find(struct bytes in, struct bytes words)
{
	for (size_t i = 0; i + words.len <= in.len; i++) {
		if (memcmp(in.data + i, words.data, words.len) == 0)
			return in.data + i;
	}
	return NULL;
}

static enum sotto_err row_look(void *context, const struct vault_head *head, struct bytes sealed)
{
	struct look *look = context;
	struct vault *vault = look->vault;
	const uint8_t *key = vault->keys->domain[vault_domain_of(head->table)].value;
	struct vault_place place = vault_row_place(head);
	struct forensic_trail trail = {
		.table = head->table, .erasable = head->erasable, .slot = head->slot};
	uint8_t *value = malloc(sealed.len);
	const uint8_t *at;
	enum sotto_err err;

	ASSERT(value != NULL);
	if (head->erasable) {
		trail_keys(vault, head, &trail);
		key = trail.keys[STEPS - 1];
	}
	err = vault_unseal(key, &place, sealed, value);
	ASSERT(err == SOTTO_OK);
	at = find(BYTES(value, sealed.len - VAULT_SEAL_LEN), look->forensic->words);
	if (at != NULL) {
		ASSERT(look->forensic->count < FORENSIC_TRAILS);
		trail.at = (size_t)(at - value);
		look->forensic->trails[look->forensic->count++] = trail;
		look->found++;
	}
	free(value);
	return SOTTO_OK;
}

static enum sotto_err head_look(void *context, const struct vault_head *head, struct bytes sealed)
{
	struct look *look = context;

	(void)sealed;
	return vault_database_get(&look->vault->database, head, row_look, look);
}

size_t forensic_look(struct forensic *forensic, struct vault *vault)
{
	struct look look = {.forensic = forensic, .vault = vault};
	enum sotto_err err = vault_database_heads(&vault->database, head_look, &look);

	ASSERT(err == SOTTO_OK);
	return look.found;
}

/* ---- What lies in the files ---- */

struct bytes forensic_file(struct sim_disk *disk, const char *name)
{
	size_t len = sim_disk_exists(disk, name) ? sim_disk_file_len(disk, name) : 0;
	struct sim_file *file;
	uint8_t *data;
	size_t done;
	enum sotto_err err;

	if (len == 0)
		return BYTES_NONE;
	data = malloc(len);
	ASSERT(data != NULL);
	err = sim_file_open(disk, name, SIM_FILE_EXISTING, false, &file);
	ASSERT(err == SOTTO_OK);
	err = sim_file_read(file, 0, data, len, &done);
	ASSERT(err == SOTTO_OK && done == len);
	sim_file_close(file);
	return BYTES(data, len);
}

/* All windows of all files, in a table of hashes. */
struct heap {
	struct bytes files[FILES];
	size_t count, mask;
	uint64_t *windows; /* 0: free */
};

static uint64_t window_of(const uint8_t *data)
{
	uint64_t window;

	memcpy(&window, data, sizeof(window));
	return window == 0 ? 1 : window;
}

static size_t slot_of(const struct heap *heap, uint64_t window)
{
	size_t slot = (size_t)(window * UINT64_C(0x9e3779b97f4a7c15) >> 20) & heap->mask;

	while (heap->windows[slot] != 0 && heap->windows[slot] != window)
		slot = (slot + 1) & heap->mask;
	return slot;
}

static void heap_make(struct heap *heap)
{
	size_t len = 0, room = 1;

	for (size_t i = 0; i < heap->count; i++)
		len += heap->files[i].len;
	while (room < 2 * len)
		room *= 2;
	heap->mask = room - 1;
	heap->windows = calloc(room, sizeof(*heap->windows));
	ASSERT(heap->windows != NULL);
	for (size_t i = 0; i < heap->count; i++) {
		for (size_t k = 0; k + WINDOW_LEN <= heap->files[i].len; k++) {
			uint64_t window = window_of(heap->files[i].data + k);

			heap->windows[slot_of(heap, window)] = window;
		}
	}
}

/* Do these bytes lie there, sealed by this key at this place of a value, by whatever nonce? */
static bool heap_has(const struct heap *heap, const uint8_t *key, size_t at, const uint8_t *bytes)
{
	uint8_t plain[128] = {0}, sealed[128];

	memcpy(plain + at % 64, bytes, WINDOW_LEN);
	for (size_t i = 0; i < heap->count; i++) {
		for (size_t k = 0; k + VAULT_NONCE_LEN <= heap->files[i].len; k++) {
			static const uint8_t zeros[WINDOW_LEN];
			uint64_t window;

			/* Nonces are random, and what SQLite gives free is zeros here. */
			if (memcmp(heap->files[i].data + k, zeros, sizeof(zeros)) == 0)
				continue;
			/* What seals is XChaCha20 from block 1 on: block 0 makes the key of the tag. */
			crypto_stream_xchacha20_xor_ic(sealed, plain, at % 64 + WINDOW_LEN,
						       heap->files[i].data + k, 1 + at / 64, key);
			window = window_of(sealed + at % 64);
			if (heap->windows[slot_of(heap, window)] == window)
				return true;
		}
	}
	return false;
}

/* From what the passphrase opens now, by keys of before where one was found, and by those that stand there now. */
static bool trail_leads(const struct forensic *forensic, const struct heap *heap,
			struct vault *vault, const struct forensic_trail *trail)
{
	enum vault_domain domain = vault_domain_of(trail->table);
	const struct vault_domain_keys *keys = &vault->keys->domain[domain];
	const struct vault_head head = {.table = trail->table, .slot = trail->slot};
	/* Where each key stands in what it is sealed in. */
	const size_t places[STEPS] = {0, (trail->slot >> 12) % VAULT_NODE_KEYS * VAULT_KEY_LEN,
				      (trail->slot >> 6) % VAULT_NODE_KEYS * VAULT_KEY_LEN,
				      trail->slot % VAULT_NODE_KEYS * VAULT_KEY_LEN};
	struct forensic_trail now = {0};
	bool reached;

	if (!trail->erasable)
		return heap_has(heap, keys->value, trail->at, forensic->words.data);
	trail_keys(vault, &head, &now);
	reached = heap_has(heap, keys->wrap, places[0], trail->keys[0]);
	for (size_t i = 1; i < STEPS; i++)
		reached = (reached &&
			   heap_has(heap, trail->keys[i - 1], places[i], trail->keys[i])) ||
			  heap_has(heap, now.keys[i - 1], places[i], trail->keys[i]);
	return reached && heap_has(heap, trail->keys[STEPS - 1], trail->at, forensic->words.data);
}

size_t forensic_search(const struct forensic *forensic, struct vault *vault,
		       const struct sim_disk *disk, struct bytes more)
{
	static const char *const names[] = {"vault", "vault-wal", "vault-keys"};
	struct sim_disk *copy;
	struct heap heap = {.count = 0};
	size_t found = 0;
	enum sotto_err err = sim_disk_copy(disk, &copy);

	ASSERT(err == SOTTO_OK);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct bytes file = forensic_file(copy, names[i]);

		if (file.len > 0)
			heap.files[heap.count++] = file;
	}
	if (more.len > 0)
		heap.files[heap.count++] = more;
	heap_make(&heap);
	for (size_t i = 0; i < forensic->count; i++)
		found += trail_leads(forensic, &heap, vault, &forensic->trails[i]);
	for (size_t i = 0; i < heap.count; i++) {
		if (heap.files[i].data != more.data)
			free((void *)(uintptr_t)heap.files[i].data);
	}
	free(heap.windows);
	sim_disk_destroy(copy);
	return found;
}
