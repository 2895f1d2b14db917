/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which ledger an epoch of *everyone* was agreed over. A commit that removes or renews says it in the GroupContext, and
 * has a path, as RFC 9420 12.4 asks of who changes that. One that only adds says the same as the id of an external PSK
 * (8.4), which needs no path: to a tree that newcomers have just filled a path is as long as the group. agreed.c.
 */
#ifndef TALK_AGREED_H
#define TALK_AGREED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"
#include "ledger/ledger.h"
#include "sotto/mls.h"

/* A ledger's head: what a context names. */
struct talk_agreed {
	uint64_t length; /* of what was looked for: 0: there was none */
	uint8_t head[LEDGER_HASH_LEN];
};

/* Of an mls_psk_source; context is a struct talk_agreed, which it sets and lends. SOTTO_ERR_NOT_FOUND: no id of ours. */
MUST_USE enum sotto_err talk_agreed_find(void *context, struct bytes id, struct bytes *psk);

/* From an encoded context of *everyone*, a PSK's id; or from a group's extensions. false: there is none. */
bool talk_agreed_read(struct bytes context, struct talk_agreed *agreed);
bool talk_agreed_extension(struct bytes extensions, struct talk_agreed *agreed);

#endif
