/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tags of tokens that have opened a handshake, for as long as they could be shown again: a token
 * counts at most LINK_WINDOW_MS before and after its time, so twice that after it was first seen.
 *
 * A ring in order of arrival, found by hash; when it is full the oldest goes. (Refusing would let one
 * phone lock out all others; what a replay wins is one packet in answer to what was answered before.)
 */
#ifndef LINK_REPLAY_H
#define LINK_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/allocator.h"
#include "base/error.h"
#include "link/token.h"

struct replay;

MUST_USE enum sotto_err replay_create(const struct allocator *allocator, uint32_t capacity,
				      struct replay **replay);
void replay_destroy(struct replay *replay);

/* tag has TOKEN_TAG_LEN bytes: the token's own, which nobody without the key can choose. */
bool replay_seen(struct replay *replay, const uint8_t *tag, uint64_t now_ns);
void replay_remember(struct replay *replay, const uint8_t *tag, uint64_t now_ns);

uint32_t replay_count(const struct replay *replay);

#endif
