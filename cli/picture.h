/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The invitation in a picture. Three libraries read what a stranger may have made: call it where nothing is to be had
 * (os/isolate.h).
 */
#ifndef CLI_PICTURE_H
#define CLI_PICTURE_H

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

/* A phone's photograph; more is no picture of a card. */
#define PICTURE_PIXELS_MAX (UINT32_C(64) << 20)

/* PNG or JPEG; *text is to be freed. FORMAT: neither. LIMIT: more pixels. NOT_FOUND: no invitation in it. */
MUST_USE enum sotto_err picture_text(FILE *file, uint32_t pixels_max, char **text);

#endif
