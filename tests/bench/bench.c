/* SPDX-License-Identifier: MIT
 *
 * Does what table.py asks for, a line in and a line out, so that one program
 * can time this plugin and its peers in turn:
 *
 *     peak KIND THREADS                          multiply-adds a second
 *     instruction KIND                           what `peak` times, or "-"
 *     kernel PRECISION TERMS PATCHES DIM THREADS id and kernel of a new case
 *     element FORMAT W H FILE MODEL PRECISION THREADS           likewise
 *     start FORMAT W H FILE MODEL PRECISION THREADS             likewise
 *     resize FORMAT W H FILE MODEL PRECISION THREADS W H FILE   likewise
 *     convert FORMAT W H FILE THREADS                           likewise
 *     positions MODEL RULE ROWS COLS                            likewise
 *     encoder MODEL TOKENS ROWS COLS PRECISION THREADS FEATURES likewise
 *     class-token MODEL TOKENS ROWS COLS THREADS                likewise
 *     time ID        seconds a frame; multiply-adds a second of the machine,
 *                    the mean of right before and right after; their kind
 *     drop ID                                    frees the case
 *     error FORMAT W H FILE MODEL PRECISION      relative L2 error
 *     reuse FORMAT W H FILE MODEL PRECISION THREADS
 *                    seconds with, without, their ratio, share of tokens kept
 *     video KIND W H FILE N_FRAMES FILE          makes a raw video
 */
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_case.h"
#include "kernel/patch.h"

#define MAX_WORDS 12

/* A case is run until so much time is gone, at least once. */
#define SLICE 4000 /* microseconds */

static GPtrArray *cases;

static guint
number (const char *word)
{
  return (guint) strtoul (word, NULL, 10);
}

/* FORMAT W H FILE */
static BenchFrame
frame_from (char **words)
{
  return (BenchFrame){ words[0], (gint) number (words[1]),
    (gint) number (words[2]), words[3] };
}

static void
add_case (BenchCase *bench)
{
  bench->run (bench);
  g_ptr_array_add (cases, bench);
  printf ("%u %s\n", cases->len - 1, bench->kernel);
}

static BenchCase *
find_case (const char *word)
{
  guint id = number (word);

  if (id >= cases->len || g_ptr_array_index (cases, id) == NULL)
    g_error ("no case %u", id);
  return g_ptr_array_index (cases, id);
}

static void
time_case (BenchCase *bench)
{
  static const char *const names[] = { "f32", "int16", "int8" };
  unsigned mask = vit_cpu_mask (), n = 0;
  double before = peak_measure (bench->kind, mask, bench->n_threads), after;
  gint64 start = g_get_monotonic_time (), taken;

  do {
    bench->run (bench);
    n++;
    taken = g_get_monotonic_time () - start;
  } while (taken < SLICE);
  after = peak_measure (bench->kind, mask, bench->n_threads);
  printf ("%.9f %.6g %s\n", (double) taken / 1e6 / n, (before + after) / 2,
      names[bench->kind]);
}

static void
drop_case (const char *word)
{
  BenchCase *bench = find_case (word);

  bench->free (bench);
  g_ptr_array_index (cases, number (word)) = NULL;
}

static void
print_reuse (char **words)
{
  BenchFrame frames = frame_from (words);
  BenchReuse reuse
      = bench_reuse (&frames, words[4], words[5], number (words[6]));

  printf ("%.9f %.9f %.4f %.4f\n", reuse.seconds_on, reuse.seconds_off,
      reuse.ratio, reuse.kept);
}

static void
obey (char **words, guint n)
{
  BenchFrame frame = { 0 };

  if (n >= 5)
    frame = frame_from (words + 1);
  if (strcmp (words[0], "peak") == 0 && n == 3) {
    printf ("%.6g\n", peak_measure (peak_find (words[1]), vit_cpu_mask (),
                          number (words[2])));
  } else if (strcmp (words[0], "instruction") == 0 && n == 2) {
    const char *name = peak_instruction (peak_find (words[1]), vit_cpu_mask ());

    printf ("%s\n", name != NULL ? name : "-");
  } else if (strcmp (words[0], "kernel") == 0 && n == 6) {
    add_case (bench_kernel_new (words[1], number (words[2]), number (words[3]),
        number (words[4]), number (words[5])));
  } else if (strcmp (words[0], "element") == 0 && n == 8) {
    add_case (
        bench_element_new (&frame, words[5], words[6], number (words[7])));
  } else if (strcmp (words[0], "start") == 0 && n == 8) {
    add_case (bench_start_new (
        &frame, NULL, words[5], words[6], number (words[7])));
  } else if (strcmp (words[0], "resize") == 0 && n == 11) {
    BenchFrame other = { words[1], (gint) number (words[8]),
      (gint) number (words[9]), words[10] };

    add_case (bench_start_new (
        &frame, &other, words[5], words[6], number (words[7])));
  } else if (strcmp (words[0], "convert") == 0 && n == 6) {
    add_case (bench_convert_new (&frame, number (words[5])));
  } else if (strcmp (words[0], "positions") == 0 && n == 5) {
    add_case (bench_positions_new (
        words[1], words[2], number (words[3]), number (words[4])));
  } else if (strcmp (words[0], "encoder") == 0 && n == 8
             && strcmp (words[5], "f32") == 0) {
    add_case (bench_encoder_new (words[1], words[2],
        (VitEncoderGrid){ number (words[3]), number (words[4]) },
        number (words[6]), words[7]));
  } else if (strcmp (words[0], "class-token") == 0 && n == 6) {
    add_case (bench_encoder_new (words[1], words[2],
        (VitEncoderGrid){ number (words[3]), number (words[4]) },
        number (words[5]), NULL));
  } else if (strcmp (words[0], "time") == 0 && n == 2) {
    time_case (find_case (words[1]));
  } else if (strcmp (words[0], "drop") == 0 && n == 2) {
    drop_case (words[1]);
    printf ("ok\n");
  } else if (strcmp (words[0], "error") == 0 && n == 7) {
    printf ("%.4g\n", bench_element_error (&frame, words[5], words[6]));
  } else if (strcmp (words[0], "reuse") == 0 && n == 8) {
    print_reuse (words + 1);
  } else if (strcmp (words[0], "video") == 0 && n == 7) {
    bench_make_video (&frame, words[1], number (words[5]), words[6]);
    printf ("ok\n");
  } else {
    g_error ("not a command: %s", words[0]);
  }
}

int
main (int argc, char **argv)
{
  char line[4096];

  gst_init (&argc, &argv);
  cases = g_ptr_array_new ();
  while (fgets (line, sizeof line, stdin) != NULL) {
    char **words = g_strsplit (g_strchomp (line), " ", MAX_WORDS);

    obey (words, g_strv_length (words));
    fflush (stdout);
    g_strfreev (words);
  }
  g_ptr_array_unref (cases);
  return 0;
}
