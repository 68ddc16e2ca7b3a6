"""Who is who: match keys, links, clusters, stable customer ids, evaluation."""
