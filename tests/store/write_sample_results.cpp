// Writes the sample results file to the path given, for test_results_file.py.
#include <iostream>

#include "sample_results.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_sample_results FILE\n";
    return 2;
  }
  std::cout << telltale::store::write_results_file(argv[1], telltale::store::sample_results()).hex() << "\n";
}
