/* SPDX-License-Identifier: Apache-2.0 */
/* What is installed here: is each file beneath the prefix what the manifest beside them says? */
#ifndef RELEASE_INSTALLED_H
#define RELEASE_INSTALLED_H

#include "release/manifest.h"

/*
 * hash: of the manifest, where all is as it says. SOTTO_ERR_NOT_FOUND: no manifest is installed; _VERIFY: a file, whose path is
 * in differs, is missing or another one; else the manifest cannot be read.
 */
MUST_USE enum sotto_err release_installed(const char *prefix, char differs[RELEASE_PATH_MAX + 1],
					  uint8_t hash[RELEASE_HASH_LEN]);

#endif
