/* A bare MPI round trip: rank 0 sends a small message to each other rank in turn and waits for its answer.
   Usage: mpirun -n N mpi_round_trip SECONDS. Prints "round_trips N seconds S". */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

enum { message_bytes = 128, work = 1, stop = 2 };

int main(int argc, char** argv) {
  char message[message_bytes] = {0};
  int rank, size;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const double limit_s = argc == 2 ? atof(argv[1]) : 0;
  if (size < 2 || limit_s <= 0) {
    if (rank == 0) fprintf(stderr, "usage: mpirun -n 2 (or more) mpi_round_trip SECONDS\n");
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  if (rank == 0) {
    long round_trips = 0;
    double seconds = 0;
    const double start = MPI_Wtime();
    do {
      for (int other = 1; other < size; ++other, ++round_trips) {
        MPI_Send(message, message_bytes, MPI_BYTE, other, work, MPI_COMM_WORLD);
        MPI_Recv(message, message_bytes, MPI_BYTE, other, work, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      }
      seconds = MPI_Wtime() - start;
    } while (seconds < limit_s);
    for (int other = 1; other < size; ++other) MPI_Send(message, 0, MPI_BYTE, other, stop, MPI_COMM_WORLD);
    printf("round_trips %ld seconds %.6f\n", round_trips, seconds);
  } else {
    for (;;) {
      MPI_Status status;
      MPI_Recv(message, message_bytes, MPI_BYTE, 0, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
      if (status.MPI_TAG == stop) break;
      MPI_Send(message, message_bytes, MPI_BYTE, 0, work, MPI_COMM_WORLD);
    }
  }
  MPI_Finalize();
  return 0;
}
