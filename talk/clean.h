/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen when all members of a group, or all key packages, were looked at, so that it need not be done after every
 * entry, key package and commit: in a network of a thousand that is most of what a phone does. Comes with talk/state.h.
 */
#ifndef TALK_CLEAN_H
#define TALK_CLEAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/error.h"

/*
 * Each message brings a receipt of each device to each device. In a group of more devices than this it waits for others
 * that come meanwhile: (devices + rank) times TALK_TELL_MS, so that no more than one device in that time sends one.
 */
#define TALK_TELL_DEVICES 16
#define TALK_TELL_MS	  UINT64_C(30)
/* In *everyone*, instead: nobody looks at whether an entry or a key package was delivered. */
#define TALK_TELL_EVERYONE_MS UINT64_C(300)
/* Its time is over: after a restart, and where a device is back that others wait for. */
#define TALK_TELL_NOW UINT64_C(1)

struct talk;
struct talk_group;
struct talk_package;

/* In this epoch the ledger, after so many exclusions, allowed every leaf but perhaps our own. */
struct talk_clean {
	bool known;
	uint64_t epoch;
	uint64_t exclusions;
	uint32_t ended; /* memberships */
};

/* ---- clean.c ---- */
bool talk_clean_known(const struct talk *talk, const struct talk_group *group);
/* group->blocked was just found out. */
void talk_clean_note(const struct talk *talk, struct talk_group *group);
/* By a commit. Into *everyone* it leads nobody whom the ledger does not allow. */
void talk_clean_epoch(struct talk_group *group);

/* ---- text.c ---- */
/* TALK_NEVER: nothing waits for a time that is to come. */
uint64_t talk_receipt_due(const struct talk *talk, const struct talk_group *group);

/* ---- readd.c ---- */
/* From when on its device is silent, if nothing is heard of it; UINT64_MAX: never. */
uint64_t talk_silent_from(const struct talk *talk, const struct talk_package *package);
/* False: talk_return_due holds for nobody. */
bool talk_returns_possible(struct talk *talk, const struct talk_group *group);

/* ---- package.c ---- */
MUST_USE enum sotto_err talk_package_work(struct talk *talk);
/* The relay has lost something: ours is said again. */
void talk_packages_lost(struct talk *talk);
struct talk_package *talk_package_of(const struct talk *talk, const uint8_t *key);
/* By which key the relay is to know this device, if it becomes an admin's. SOTTO_ERR_NOT_FOUND. */
MUST_USE enum sotto_err talk_package_rotation(struct talk *talk, const uint8_t *key,
					      uint8_t *rotation);
/* Its key is set. newest: before all others of its device. */
void talk_package_enter(struct talk *talk, struct talk_package *package, bool newest);
MUST_USE enum sotto_err talk_package_make(struct talk *talk, struct talk_package **package);
MUST_USE enum sotto_err talk_package_announce(struct talk *talk);
MUST_USE enum sotto_err talk_package_set(struct talk *talk, struct talk_package *package,
					 struct bytes message);
void talk_package_free(struct talk *talk, struct talk_package *package);
/* It has changed: its row is to be written. */
void talk_package_unsaved(struct talk *talk, struct talk_package *package);
/* Its device, now. */
void talk_package_heard(struct talk *talk, struct talk_package *package);

#endif
