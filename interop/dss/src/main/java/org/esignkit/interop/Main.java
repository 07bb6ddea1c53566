package org.esignkit.interop;

import eu.europa.esig.dss.cades.CAdESSignatureParameters;
import eu.europa.esig.dss.cades.signature.CAdESService;
import eu.europa.esig.dss.diagnostic.DiagnosticData;
import eu.europa.esig.dss.diagnostic.SignatureWrapper;
import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.enumerations.SubIndication;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.FileDocument;
import eu.europa.esig.dss.model.InMemoryDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.ToBeSigned;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.token.DSSPrivateKeyEntry;
import eu.europa.esig.dss.token.Pkcs12SignatureToken;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;
import eu.europa.esig.dss.xades.XAdESSignatureParameters;
import eu.europa.esig.dss.xades.signature.XAdESService;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore.PasswordProtection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;

/**
 * {@code validate FOLDER} prints the simple report of every file in FOLDER/cases as JSON, with
 * FOLDER/trust as anchors and FOLDER/evidence as CRLs; the documents of a detached signature NAME
 * lie in FOLDER/cases/NAME.detached. {@code sign FOLDER} signs FOLDER/document.* with
 * FOLDER/key.p12 (password in FOLDER/password) into FOLDER/signed.
 */
public final class Main {

    private Main() {
    }

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[1]);
        if ("validate".equals(arguments[0])) {
            validateAll(folder);
        } else if ("sign".equals(arguments[0])) {
            signAll(folder);
        } else {
            throw new IllegalArgumentException("validate FOLDER | sign FOLDER");
        }
    }

    private static void validateAll(Path folder) {
        CommonTrustedCertificateSource trust = new CommonTrustedCertificateSource();
        for (File file : files(folder.resolve("trust"))) {
            trust.addCertificate(DSSUtils.loadCertificate(file));
        }
        List<DSSDocument> crls = new ArrayList<>();
        for (File file : files(folder.resolve("evidence"))) {
            crls.add(new FileDocument(file));
        }
        List<String> results = new ArrayList<>();
        for (File file : files(folder.resolve("cases"))) {
            CommonCertificateVerifier verifier = new CommonCertificateVerifier();
            verifier.setTrustedCertSources(trust);
            verifier.setAIASource(null);
            verifier.setCrlSource(new ExternalResourcesCRLSource(crls.toArray(new DSSDocument[0])));
            results.add(validateOne(file, verifier));
        }
        System.out.println("[" + String.join(",\n", results) + "]");
    }

    private static String validateOne(File file, CommonCertificateVerifier verifier) {
        StringBuilder json = new StringBuilder("{\"file\": " + quoted(file.getName()));
        try {
            SignedDocumentValidator validator =
                    SignedDocumentValidator.fromDocument(new FileDocument(file));
            validator.setCertificateVerifier(verifier);
            List<DSSDocument> detached = new ArrayList<>();
            for (File part : files(file.toPath().resolveSibling(file.getName() + ".detached"))) {
                detached.add(new FileDocument(part));
            }
            if (!detached.isEmpty()) {
                validator.setDetachedContents(detached);
            }
            Reports reports = validator.validateDocument();
            SimpleReport simple = reports.getSimpleReport();
            DiagnosticData data = reports.getDiagnosticData();
            List<String> signatures = new ArrayList<>();
            for (String id : simple.getSignatureIdList()) {
                SignatureWrapper wrapper = data.getSignatureById(id);
                SubIndication sub = simple.getSubIndication(id);
                List<String> errors = new ArrayList<>();
                simple.getAdESValidationErrors(id).forEach(m -> errors.add(quoted(m.getValue())));
                signatures.add("{\"id\": " + quoted(id)
                        + ", \"indication\": " + quoted(String.valueOf(simple.getIndication(id)))
                        + ", \"sub_indication\": " + (sub == null ? "null" : quoted(sub.toString()))
                        + ", \"level\": " + quoted(String.valueOf(simple.getSignatureFormat(id)))
                        + ", \"signed_by\": " + quoted(simple.getSignedBy(id))
                        + ", \"intact\": " + wrapper.isSignatureIntact()
                        + ", \"valid\": " + wrapper.isSignatureValid()
                        + ", \"structure\": " + wrapper.isStructuralValidationValid()
                        + ", \"errors\": [" + String.join(", ", errors) + "]}");
            }
            json.append(", \"signatures\": [").append(String.join(", ", signatures)).append("]");
        } catch (Exception error) {
            json.append(", \"error\": ").append(quoted(error.toString()));
        }
        return json.append("}").toString();
    }

    private static void signAll(Path folder) throws Exception {
        char[] password = Files.readString(folder.resolve("password")).strip().toCharArray();
        Path out = Files.createDirectories(folder.resolve("signed"));
        DSSDocument xml = new FileDocument(folder.resolve("document.xml").toFile());
        DSSDocument text = new FileDocument(folder.resolve("document.txt").toFile());
        try (Pkcs12SignatureToken token = new Pkcs12SignatureToken(
                folder.resolve("key.p12").toFile(), new PasswordProtection(password))) {
            DSSPrivateKeyEntry key = token.getKeys().get(0);
            for (SignaturePackaging packaging : List.of(SignaturePackaging.ENVELOPED,
                    SignaturePackaging.ENVELOPING, SignaturePackaging.DETACHED,
                    SignaturePackaging.INTERNALLY_DETACHED)) {
                DSSDocument document = packaging == SignaturePackaging.DETACHED ? text : xml;
                DSSDocument signed = xades(document, packaging, key, token);
                signed.save(out.resolve("xades-" + packaging.name().toLowerCase() + ".xml").toString());
            }
            for (SignaturePackaging packaging : List.of(SignaturePackaging.ENVELOPING,
                    SignaturePackaging.DETACHED)) {
                DSSDocument signed = cades(text, packaging, key, token);
                signed.save(out.resolve("cades-" + packaging.name().toLowerCase() + ".p7s").toString());
            }
        }
    }

    private static DSSDocument xades(DSSDocument document, SignaturePackaging packaging,
            DSSPrivateKeyEntry key, Pkcs12SignatureToken token) {
        XAdESService service = new XAdESService(new CommonCertificateVerifier());
        XAdESSignatureParameters parameters = new XAdESSignatureParameters();
        parameters.setSignatureLevel(SignatureLevel.XAdES_BASELINE_B);
        parameters.setSignaturePackaging(packaging);
        parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
        parameters.setSigningCertificate(key.getCertificate());
        parameters.setCertificateChain(key.getCertificateChain());
        parameters.bLevel().setSigningDate(new Date());
        ToBeSigned data = service.getDataToSign(document, parameters);
        SignatureValue value = token.sign(data, DigestAlgorithm.SHA256, key);
        return service.signDocument(document, parameters, value);
    }

    private static DSSDocument cades(DSSDocument document, SignaturePackaging packaging,
            DSSPrivateKeyEntry key, Pkcs12SignatureToken token) {
        CAdESService service = new CAdESService(new CommonCertificateVerifier());
        CAdESSignatureParameters parameters = new CAdESSignatureParameters();
        parameters.setSignatureLevel(SignatureLevel.CAdES_BASELINE_B);
        parameters.setSignaturePackaging(packaging);
        parameters.setDigestAlgorithm(DigestAlgorithm.SHA256);
        parameters.setSigningCertificate(key.getCertificate());
        parameters.setCertificateChain(key.getCertificateChain());
        parameters.bLevel().setSigningDate(new Date());
        ToBeSigned data = service.getDataToSign(document, parameters);
        SignatureValue value = token.sign(data, DigestAlgorithm.SHA256, key);
        return service.signDocument(document, parameters, value);
    }

    private static List<File> files(Path folder) {
        File[] found = folder.toFile().listFiles(File::isFile);
        if (found == null) {
            return List.of();
        }
        Arrays.sort(found);
        return List.of(found);
    }

    private static String quoted(String text) {
        StringBuilder out = new StringBuilder("\"");
        for (char c : String.valueOf(text).toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
