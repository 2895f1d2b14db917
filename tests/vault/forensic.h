/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody finds who has both files of a vault and its passphrase, and looks beyond what the vault shows: at old
 * pages, the log, free space, whatever lies anywhere in them.
 *
 *   before: every row that holds the words, and what opens it --> trails
 *
 *     wrap key --> erasure key --> middle key --> leaf key --> row key --> the words       of an erasable row
 *     value key -------------------------------------------------------> the words       of a plain one
 *
 *   after: from the keys that the passphrase opens now, with the 24 bytes at each place of each file as a nonce: does
 *   the next step of a trail lie anywhere in the files, sealed by that?
 *
 * It knows what it looks for, byte for byte, so a step is found wherever SQLite has put the pieces of a value.
 */
#ifndef TESTS_VAULT_FORENSIC_H
#define TESTS_VAULT_FORENSIC_H

#include "sim/disk.h"
#include "vault/vault.h"

#define FORENSIC_TRAILS 8

struct forensic_trail {
	uint8_t table;
	bool erasable;
	uint64_t slot;
	size_t at; /* where the words stand in the value */
	/* Of erasable ones: erasure, middle, leaf and row key. */
	uint8_t keys[4][32];
};

struct forensic {
	struct bytes words; /* borrowed; at least 8 bytes */
	struct forensic_trail trails[FORENSIC_TRAILS];
	size_t count;
};

/* Adds a trail for each row that holds the words now; how many. Unlocked, no batch under way. */
size_t forensic_look(struct forensic *forensic, struct vault *vault);

/*
 * How many trails lead to the words in these files, and in more, a file that is not on the disk any more. The keys are
 * those of the open vault.
 */
size_t forensic_search(const struct forensic *forensic, struct vault *vault,
		       const struct sim_disk *disk, struct bytes more);

/* All of a file, with malloc; len 0: there is none. */
struct bytes forensic_file(struct sim_disk *disk, const char *name);

#endif
