"""Reports that stations send in parts: which parts arrived, which are missing, which came twice."""
