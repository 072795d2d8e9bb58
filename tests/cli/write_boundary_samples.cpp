// Writes a results file with boundary samples to the path given, for test_identify.py.
#include <cstring>
#include <iostream>

#include "support/boundary_samples.h"

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: write_boundary_samples FILE [colour|unverified|pair|networks]\n";
    return 2;
  }
  telltale::BoundaryFixture fixture;
  if (argc == 3 && std::strcmp(argv[2], "colour") == 0) fixture.channels = 3;
  if (argc == 3 && std::strcmp(argv[2], "unverified") == 0) fixture.verified = false;
  if (argc == 3 && std::strcmp(argv[2], "pair") == 0) fixture.pair = true;
  if (argc == 3 && std::strcmp(argv[2], "networks") == 0) fixture.networks = true;
  telltale::store::write_results_file(argv[1], telltale::boundary_results(fixture));
}
